using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The boundary of a geometry's axis.</summary>
public enum AxisEnds
{
    /// <summary>The axis has two ends.</summary>
    Bounded,

    /// <summary>The axis closes on itself.</summary>
    Periodic,
}

/// <summary>
/// The positions of a state's components, for distances: coordinates along one to three axes, each bounded or periodic. Distances are
/// Euclidean; along periodic axes the shorter way round counts.
/// </summary>
public sealed class LocalisationGeometry : IComponent
{
    private readonly double[] coordinates;  // [places, axes] in rows; empty for a grid, whose places follow from its spacings
    private readonly double[] spacings;
    private readonly long places, columns;  // of one field

    private LocalisationGeometry(double[] coordinates, double[] spacings, long places, long columns, long fields, double[] periods)
    {
        (this.coordinates, this.spacings, this.places, this.columns) = (coordinates, spacings, places, columns);
        Periods = periods;
        Dimension = checked((int)(places * fields));
    }

    /// <summary>The format in which the component is written and read.</summary>
    public static ComponentType Type { get; } = new("localisation-geometry", 1, reader =>
    {
        using var coordinates = reader.Tensor("coordinates");
        return Places(coordinates, [.. reader.Get<double?[]>("periods")]);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The number of components n.</summary>
    public long Dimension { get; }

    /// <summary>The number of axes.</summary>
    public int Axes => Periods.Length;

    /// <summary>The length of each axis, infinite for a bounded one.</summary>
    internal double[] Periods { get; }

    /// <summary>Sites 0, 1, ..., n - 1 on a circle, for Lorenz-96 and similar models.</summary>
    /// <param name="points">n</param>
    /// <param name="spacing">The distance of two neighbours.</param>
    public static LocalisationGeometry Circle(long points, double spacing = 1) => Line(points, AxisEnds.Periodic, spacing);

    /// <summary>Sites 0, 1, ..., n - 1 in a line.</summary>
    /// <param name="points">n</param>
    /// <param name="ends">Whether the line closes on itself (default: bounded).</param>
    /// <param name="spacing">The distance of two neighbours.</param>
    public static LocalisationGeometry Line(long points, AxisEnds ends = AxisEnds.Bounded, double spacing = 1)
    {
        Require.AtLeast(points, 1);
        Require.Positive(spacing);
        return new([], [spacing], points, points, 1, [Period(ends, points, spacing)]);
    }

    /// <summary>A grid of rows and columns, with the state in row-major order: component <c>row * columns + column</c>.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns.</param>
    /// <param name="rowEnds">Whether the last row is beside the first (default: bounded).</param>
    /// <param name="columnEnds">Whether the last column is beside the first (default: bounded).</param>
    /// <param name="rowSpacing">The distance of two rows.</param>
    /// <param name="columnSpacing">The distance of two columns.</param>
    public static LocalisationGeometry Grid(long rows, long columns, AxisEnds rowEnds = AxisEnds.Bounded,
        AxisEnds columnEnds = AxisEnds.Bounded, double rowSpacing = 1, double columnSpacing = 1)
    {
        Require.AtLeast(rows, 1);
        Require.AtLeast(columns, 1);
        Require.Positive(rowSpacing);
        Require.Positive(columnSpacing);
        return new([], [rowSpacing, columnSpacing], checked(rows * columns), columns, 1,
            [Period(rowEnds, rows, rowSpacing), Period(columnEnds, columns, columnSpacing)]);
    }

    /// <summary>Arbitrary places.</summary>
    /// <param name="coordinates">The place of each component, <c>[n, axes]</c>, or <c>[n]</c> on one axis; copied.</param>
    /// <param name="periods">The length of each periodic axis, null for a bounded one (default: all bounded).</param>
    /// <exception cref="ArgumentException">The coordinates have another shape or are non-finite, the numbers of periods and axes differ,
    /// or a period is not above zero.</exception>
    public static LocalisationGeometry Places(Tensor coordinates, params double?[] periods)
    {
        double[] values = Read(coordinates, out int axes);
        if (periods.Length == 0) periods = new double?[axes];
        if (periods.Length != axes)
            throw new ArgumentException(
                $"Coordinates on {axes} axes need {axes} periods (null where an axis is bounded); given: {periods.Length}.",
                nameof(periods));
        return new(values, [], values.Length / axes, 0, 1,
            [.. periods.Select(period => period is { } length ? Require.Positive(length, nameof(periods)) : double.PositiveInfinity)]);
    }

    /// <summary>The geometry of a state of several fields on these places, one whole field after the other.</summary>
    /// <param name="fields">The number of fields.</param>
    public LocalisationGeometry Repeat(long fields)
    {
        Require.AtLeast(fields, 1);
        return new(coordinates, spacings, places, columns, checked(Dimension / places * fields), Periods);
    }

    /// <summary>The coordinates of a component.</summary>
    /// <param name="component">Its number, from 0.</param>
    /// <param name="place">Receives the coordinates, [axes].</param>
    internal void Place(long component, Span<double> place)
    {
        long k = component % places;
        if (coordinates.Length > 0) coordinates.AsSpan((int)k * Axes, Axes).CopyTo(place);
        else if (Axes == 1) place[0] = k * spacings[0];
        else (place[0], place[1]) = (k / columns * spacings[0], k % columns * spacings[1]);
    }

    /// <summary>The coordinates of some of the components, as [count, axes] in rows.</summary>
    internal double[] Of(IReadOnlyList<long> components)
    {
        var found = new double[components.Count * Axes];
        for (int k = 0; k < components.Count; k++) Place(components[k], found.AsSpan(k * Axes, Axes));
        return found;
    }

    /// <summary>Checks a tensor of coordinates, and gives it as rows of numbers.</summary>
    internal static double[] Read(Tensor coordinates, out int axes)
    {
        using var scope = NewDisposeScope();
        if (coordinates.ndim == 1) coordinates = coordinates.unsqueeze(1);
        if (coordinates.ndim != 2 || coordinates.size(0) < 1 || coordinates.size(1) is < 1 or > 3)
            throw new ArgumentException(
                $"Coordinates must be [places, axes] with one to three axes; given: {coordinates.DescribeSizes()}.",
                nameof(coordinates));
        Require.Finite(coordinates, "Coordinates");
        axes = (int)coordinates.size(1);
        return coordinates.to(ScalarType.Float64, CPU).ToArray<double>();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Tensor("coordinates", tensor(Of(new ComponentRange(Dimension)), Dimension, Axes));
        writer.Set("periods", Periods.Select(period => double.IsPositiveInfinity(period) ? (double?)null : period).ToArray());
    }

    private static double Period(AxisEnds ends, long points, double spacing) => Require.Defined(ends) switch
    {
        AxisEnds.Bounded => double.PositiveInfinity,
        AxisEnds.Periodic => points * spacing,
        _ => throw new UnreachableException(),
    };
}

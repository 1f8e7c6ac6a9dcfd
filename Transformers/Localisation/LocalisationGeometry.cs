using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>How an axis of a geometry ends.</summary>
public enum AxisEnds
{
    /// <summary>It has two ends.</summary>
    Bounded,

    /// <summary>It closes on itself.</summary>
    Periodic,
}

/// <summary>
/// Where the components of a state are, for distances: coordinates along one to three axes, each bounded or periodic.
/// The distance of two places is Euclid's, along periodic axes the shorter way round.
/// </summary>
public sealed class LocalisationGeometry : IComponent
{
    private LocalisationGeometry(double[] coordinates, double[] periods)
    {
        Coordinates = coordinates;
        Periods = periods;
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("localisation-geometry", 1, reader =>
    {
        using var coordinates = reader.Tensor("coordinates");
        return Places(coordinates, [.. reader.Get<double?[]>("periods")]);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The number of components n.</summary>
    public long Dimension => Coordinates.Length / Axes;

    /// <summary>The number of axes.</summary>
    public int Axes => Periods.Length;

    /// <summary>[n, axes] in rows.</summary>
    internal double[] Coordinates { get; }

    /// <summary>Each axis' length, infinite where it is bounded.</summary>
    internal double[] Periods { get; }

    /// <summary>Sites 0, 1, ..., n - 1 on a circle: Lorenz-96 and its like.</summary>
    /// <param name="points">n</param>
    /// <param name="spacing">Distance of two neighbours.</param>
    public static LocalisationGeometry Circle(long points, double spacing = 1) => Line(points, AxisEnds.Periodic, spacing);

    /// <summary>Sites 0, 1, ..., n - 1 in a line.</summary>
    /// <param name="points">n</param>
    /// <param name="ends">Whether it closes on itself; bounded unless said.</param>
    /// <param name="spacing">Distance of two neighbours.</param>
    public static LocalisationGeometry Line(long points, AxisEnds ends = AxisEnds.Bounded, double spacing = 1)
    {
        Require.AtLeast(points, 1);
        Require.Positive(spacing);
        return new([.. Enumerable.Range(0, checked((int)points)).Select(i => i * spacing)], [Period(ends, points, spacing)]);
    }

    /// <summary>A grid of rows and columns, the state running along a row first: component <c>row * columns + column</c>.</summary>
    /// <param name="rows">How many rows.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="rowEnds">Whether the last row is beside the first; bounded unless said.</param>
    /// <param name="columnEnds">Whether the last column is beside the first; bounded unless said.</param>
    /// <param name="rowSpacing">Distance of two rows.</param>
    /// <param name="columnSpacing">Distance of two columns.</param>
    public static LocalisationGeometry Grid(long rows, long columns, AxisEnds rowEnds = AxisEnds.Bounded,
        AxisEnds columnEnds = AxisEnds.Bounded, double rowSpacing = 1, double columnSpacing = 1)
    {
        Require.AtLeast(rows, 1);
        Require.AtLeast(columns, 1);
        Require.Positive(rowSpacing);
        Require.Positive(columnSpacing);
        var coordinates = new double[checked((int)(rows * columns * 2))];
        for (int k = 0; k < coordinates.Length / 2; k++)
            (coordinates[2 * k], coordinates[2 * k + 1]) = (k / columns * rowSpacing, k % columns * columnSpacing);
        return new(coordinates, [Period(rowEnds, rows, rowSpacing), Period(columnEnds, columns, columnSpacing)]);
    }

    /// <summary>Places anywhere.</summary>
    /// <param name="coordinates">The place of each component, <c>[n, axes]</c>, or <c>[n]</c> on one axis; copied.</param>
    /// <param name="periods">Each axis' length where it is periodic, null where it is bounded; all bounded unless said.</param>
    /// <exception cref="ArgumentException">Coordinates of another shape or not finite, another number of periods than of axes, or a period
    /// that is not above zero.</exception>
    public static LocalisationGeometry Places(Tensor coordinates, params double?[] periods)
    {
        double[] values = Read(coordinates, out int axes);
        if (periods.Length == 0) periods = new double?[axes];
        if (periods.Length != axes)
            throw new ArgumentException(
                $"Coordinates on {axes} axes need {axes} periods (null where an axis is bounded); given: {periods.Length}.",
                nameof(periods));
        return new(values,
            [.. periods.Select(period => period is { } length ? Require.Positive(length, nameof(periods)) : double.PositiveInfinity)]);
    }

    /// <summary>The geometry of a state of several fields on these places, one whole field after the other.</summary>
    /// <param name="fields">How many.</param>
    public LocalisationGeometry Repeat(long fields)
    {
        Require.AtLeast(fields, 1);
        return new([.. Enumerable.Repeat(Coordinates, (int)fields).SelectMany(field => field)], Periods);
    }

    /// <summary>The coordinates of some of the components, as [count, axes] in rows.</summary>
    internal double[] Of(IReadOnlyList<long> components)
    {
        var places = new double[components.Count * Axes];
        for (int k = 0; k < components.Count; k++) Array.Copy(Coordinates, components[k] * Axes, places, k * Axes, Axes);
        return places;
    }

    /// <summary>A tensor of coordinates as rows of numbers, checked.</summary>
    internal static double[] Read(Tensor coordinates, out int axes)
    {
        using var scope = NewDisposeScope();
        if (coordinates.ndim == 1) coordinates = coordinates.unsqueeze(1);
        if (coordinates.ndim != 2 || coordinates.size(0) < 1 || coordinates.size(1) is < 1 or > 3)
            throw new ArgumentException(
                $"Coordinates must be [places, axes] with one to three axes; given: {ColumnDefinition.Describe(coordinates.Sizes())}.",
                nameof(coordinates));
        Require.Finite(coordinates, "Coordinates");
        axes = (int)coordinates.size(1);
        return coordinates.to(ScalarType.Float64, CPU).ToArray<double>();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Tensor("coordinates", tensor(Coordinates, Dimension, Axes));
        writer.Set("periods", Periods.Select(period => double.IsPositiveInfinity(period) ? (double?)null : period).ToArray());
    }

    private static double Period(AxisEnds ends, long points, double spacing) => ends switch
    {
        AxisEnds.Bounded => double.PositiveInfinity,
        AxisEnds.Periodic => points * spacing,
        _ => throw new ArgumentOutOfRangeException(nameof(ends), ends, $"There are no axis ends {ends}."),
    };
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A grid of latitudes and longitudes. A field on it is a vector, row-major: latitude by latitude, in the order of the coordinates, which
/// may rise or fall. Two grids are equal if their coordinates are equal.
/// </summary>
/// <param name="Latitudes">Degrees north, in the field's order.</param>
/// <param name="Longitudes">Degrees east, in the field's order.</param>
public sealed record LatitudeLongitudeGrid(IReadOnlyList<double> Latitudes, IReadOnlyList<double> Longitudes)
{
    /// <summary>Number of grid points.</summary>
    public long Size => (long)Latitudes.Count * Longitudes.Count;

    /// <summary>The location of a component of a field.</summary>
    /// <param name="index">From 0 to <see cref="Size"/> - 1.</param>
    public (double Latitude, double Longitude) Location(long index) =>
        (Latitudes[(int)(index / Longitudes.Count)], Longitudes[(int)(index % Longitudes.Count)]);

    /// <summary>
    /// The cosine of each point's latitude, <c>[n]</c>: the relative area that the point represents on an equal-angle grid.
    /// </summary>
    public Tensor AreaWeights(ScalarType dtype, Device device)
    {
        double[] weights = [.. Latitudes.SelectMany(latitude =>
            Enumerable.Repeat(Math.Cos(double.DegreesToRadians(latitude)), Longitudes.Count))];
        return tensor(weights, dtype: dtype, device: device);
    }

    /// <summary>Refuses a different grid, for instance before a decomposition that was learned on this one is applied to a file.</summary>
    /// <param name="other">The grid that should be this one.</param>
    /// <exception cref="ArgumentException">The grids differ; the message says where.</exception>
    public void RequireSame(LatitudeLongitudeGrid other)
    {
        if ((Difference("latitude", Latitudes, other.Latitudes) ?? Difference("longitude", Longitudes, other.Longitudes)) is { } difference)
            throw new ArgumentException($"The field is on a different grid: {difference}.", nameof(other));
    }

    /// <summary>Says where the coordinates differ from the needed ones by more than single precision; null = nowhere.</summary>
    /// <param name="name">The name of the coordinate, for instance <c>latitude</c>.</param>
    /// <param name="needed">The needed coordinates.</param>
    /// <param name="given">The given coordinates.</param>
    public static string? Difference(string name, IReadOnlyList<double> needed, IReadOnlyList<double> given)
    {
        if (needed.Count != given.Count) return $"its {name} has {given.Count} values; {needed.Count} are needed";
        static bool IsSame(double a, double b) => Math.Abs(a - b) <= 1e-6 * Math.Max(1, Math.Abs(a));
        int at = Enumerable.Range(0, needed.Count).FirstOrDefault(i => !IsSame(needed[i], given[i]), -1);
        if (at < 0) return null;
        bool isReversed = Enumerable.Range(0, needed.Count).All(i => IsSame(needed[i], given[needed.Count - 1 - i]));
        return $"value {at} of its {name} is {given[at]}; {needed[at]} is needed" +
            (isReversed ? "; it has the same values in the opposite order, which 'cdo invertlat' or 'ncpdq' reverses" : "");
    }

    /// <inheritdoc/>
    public bool Equals(LatitudeLongitudeGrid? other) =>
        other is not null && Latitudes.SequenceEqual(other.Latitudes) && Longitudes.SequenceEqual(other.Longitudes);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Latitudes.Count, Longitudes.Count, Latitudes.FirstOrDefault(), Longitudes.FirstOrDefault());
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A grid of latitudes and longitudes. A field on it is a vector, row-major: latitude by latitude, in the order of the coordinates, which
/// may rise or fall. Two grids are equal where their coordinates are.
/// </summary>
/// <param name="Latitudes">Degrees north, in the field's order.</param>
/// <param name="Longitudes">Degrees east, in the field's order.</param>
public sealed record LatitudeLongitudeGrid(IReadOnlyList<double> Latitudes, IReadOnlyList<double> Longitudes)
{
    /// <summary>The grid of a NetCDF variable: its last two dimensions beside time, and their coordinate variables.</summary>
    /// <param name="path">The file, or a pattern of which the first file is taken.</param>
    /// <param name="variable">A variable whose last two dimensions beside time are latitude and longitude.</param>
    /// <param name="region">The part of the grid that <see cref="NetCdfOptions.Region"/> reads; null (default) = the whole.</param>
    /// <exception cref="DataFileException">The variable has fewer than two such dimensions, one has no coordinates in degrees north or
    /// east, or no point lies in the region.</exception>
    public static LatitudeLongitudeGrid FromNetCdf(string path, string variable, LatitudeLongitudeBox? region = null)
    {
        using var file = NetCdfFile.Open(NetCdfFilePattern.Files(path)[0]);
        var found = file.Variable(variable);
        return GridWindow.Of(file, found, [NetCdfTimes.DimensionOf(file, found)], region).Grid;
    }

    /// <summary>Number of grid points.</summary>
    public long Size => (long)Latitudes.Count * Longitudes.Count;

    /// <summary>Where a component of a field lies.</summary>
    /// <param name="index">From 0 to <see cref="Size"/> - 1.</param>
    public (double Latitude, double Longitude) Location(long index) =>
        (Latitudes[(int)(index / Longitudes.Count)], Longitudes[(int)(index % Longitudes.Count)]);

    /// <summary>Observation of a field on the grid at sites anywhere in it, by bilinear interpolation.</summary>
    /// <param name="sites">Where, in degrees north and east.</param>
    /// <exception cref="ArgumentException">Coordinates of the grid are out of order, there are no sites, or one lies outside.</exception>
    public InterpolationObservationOperator InterpolateTo(params IReadOnlyList<(double Latitude, double Longitude)> sites) => new(Latitudes, Longitudes, sites);

    /// <summary>The cosine of each point's latitude, <c>[n]</c>: the relative area it stands for on an equal-angle grid.</summary>
    public Tensor AreaWeights(ScalarType dtype, Device device)
    {
        double[] weights = [.. Latitudes.SelectMany(latitude =>
            Enumerable.Repeat(Math.Cos(double.DegreesToRadians(latitude)), Longitudes.Count))];
        return tensor(weights, dtype: dtype, device: device);
    }

    /// <summary>Refuses another grid, for instance before a decomposition that was learned on this one is used on a file.</summary>
    /// <param name="other">The grid that should be this one.</param>
    /// <exception cref="ArgumentException">It is another; the message says where they differ.</exception>
    public void RequireSame(LatitudeLongitudeGrid other)
    {
        if ((Difference("latitude", Latitudes, other.Latitudes) ?? Difference("longitude", Longitudes, other.Longitudes)) is { } difference)
            throw new ArgumentException($"The field is on another grid: {difference}.", nameof(other));
    }

    /// <summary>In words where coordinates differ from those that are needed by more than single precision; null = nowhere.</summary>
    internal static string? Difference(string name, IReadOnlyList<double> needed, IReadOnlyList<double> given)
    {
        if (needed.Count != given.Count) return $"its {name} has {given.Count} values, and {needed.Count} are needed";
        static bool IsSame(double a, double b) => Math.Abs(a - b) <= 1e-6 * Math.Max(1, Math.Abs(a));
        int at = Enumerable.Range(0, needed.Count).FirstOrDefault(i => !IsSame(needed[i], given[i]), -1);
        if (at < 0) return null;
        bool isReversed = Enumerable.Range(0, needed.Count).All(i => IsSame(needed[i], given[needed.Count - 1 - i]));
        return $"value {at} of its {name} is {given[at]}, and {needed[at]} is needed" +
            (isReversed ? "; it has the same values in the opposite order, which 'cdo invertlat' or 'ncpdq' turn round" : "");
    }

    /// <inheritdoc/>
    public bool Equals(LatitudeLongitudeGrid? other) =>
        other is not null && Latitudes.SequenceEqual(other.Latitudes) && Longitudes.SequenceEqual(other.Longitudes);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Latitudes.Count, Longitudes.Count, Latitudes.FirstOrDefault(), Longitudes.FirstOrDefault());
}

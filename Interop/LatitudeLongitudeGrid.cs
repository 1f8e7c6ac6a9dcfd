using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>A grid of latitudes and longitudes. A field on it is a vector, row-major: latitude by latitude.</summary>
/// <param name="Latitudes">Degrees north, in the field's order.</param>
/// <param name="Longitudes">Degrees east, in the field's order.</param>
public sealed record LatitudeLongitudeGrid(IReadOnlyList<double> Latitudes, IReadOnlyList<double> Longitudes)
{
    /// <summary>The grid of a NetCDF variable: its last two dimensions beside time, and their coordinate variables.</summary>
    /// <param name="path">The file.</param>
    /// <param name="variable">A variable whose last two dimensions beside time are latitude and longitude.</param>
    /// <exception cref="DataFileException">The variable has fewer than two such dimensions, or one has no coordinates in degrees north or
    /// east.</exception>
    public static LatitudeLongitudeGrid FromNetCdf(string path, string variable)
    {
        using var file = NetCdfFile.Open(path);
        var found = file.Variable(variable);
        int time = NetCdfTimes.DimensionOf(file, found);
        var dimensions = found.Dimensions.Where((_, i) => i != time).ToList();
        if (dimensions.Count < 2)
            throw new DataFileException($"The variable {found} in '{path}' has no latitude and longitude: beside time it has " +
                $"{dimensions.Count} dimension(s); " +
                "one whose coordinate has the units 'degrees_north' is needed, and one in 'degrees_east'.");
        return new LatitudeLongitudeGrid(
            Coordinates(file, found, dimensions[^2].Name, "degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"),
            Coordinates(file, found, dimensions[^1].Name, "degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE"));
    }

    /// <summary>Number of grid points.</summary>
    public long Size => (long)Latitudes.Count * Longitudes.Count;

    /// <summary>Where a component of a field lies.</summary>
    /// <param name="index">From 0 to <see cref="Size"/> - 1.</param>
    public (double Latitude, double Longitude) Location(long index) =>
        (Latitudes[(int)(index / Longitudes.Count)], Longitudes[(int)(index % Longitudes.Count)]);

    /// <summary>The cosine of each point's latitude, <c>[n]</c>: the relative area it stands for on an equal-angle grid.</summary>
    public Tensor AreaWeights(ScalarType dtype, Device device)
    {
        double[] weights = [.. Latitudes.SelectMany(latitude =>
            Enumerable.Repeat(Math.Cos(double.DegreesToRadians(latitude)), Longitudes.Count))];
        return tensor(weights, dtype: dtype, device: device);
    }

    // CF conventions 1.11, sections 4.1 and 4.2: each unit has six spellings.
    private static double[] Coordinates(NetCdfFile file, NetCdfVariable variable, string name, params string[] units)
    {
        var coordinate = file.Nearest(variable, name)
            ?? throw new DataFileException($"'{file.Path}' has no coordinate variable for its dimension '{name}'.");
        if (!units.Contains(coordinate.Text("units"), StringComparer.OrdinalIgnoreCase))
            throw new DataFileException($"The coordinate '{name}' in '{file.Path}' is in '{coordinate.Text("units")}'; '{units[0]}' " +
                $"is needed.");
        return file.Read(coordinate.Name);
    }
}

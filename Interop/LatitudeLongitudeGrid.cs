using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>A grid of latitudes and longitudes. A field on it is a vector, row-major: latitude by latitude.</summary>
/// <param name="Latitudes">Degrees north, in the field's order.</param>
/// <param name="Longitudes">Degrees east, in the field's order.</param>
public sealed record LatitudeLongitudeGrid(IReadOnlyList<double> Latitudes, IReadOnlyList<double> Longitudes)
{
    /// <summary>The grid of a NetCDF variable: its last two dimensions and their coordinate variables.</summary>
    /// <param name="path">The file.</param>
    /// <param name="variable">A variable whose last two dimensions are latitude and longitude.</param>
    /// <exception cref="DataFileException">The variable has fewer than two dimensions, or one has no coordinates in degrees north or east.</exception>
    public static LatitudeLongitudeGrid FromNetCdf(string path, string variable)
    {
        using var file = NetCdfFile.Open(path);
        var found = file.Variable(variable);
        if (found.Dimensions.Count < 2)
            throw new DataFileException($"The variable {found} in '{path}' has no latitude and longitude: at least two dimensions are needed.");
        return new LatitudeLongitudeGrid(
            Coordinates(file, found.Dimensions[^2].Name, "degrees_north", "degree_north", "degrees_N", "degreesN"),
            Coordinates(file, found.Dimensions[^1].Name, "degrees_east", "degree_east", "degrees_E", "degreesE"));
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
        double[] weights = [.. Latitudes.SelectMany(latitude => Enumerable.Repeat(Math.Cos(double.DegreesToRadians(latitude)), Longitudes.Count))];
        return tensor(weights, dtype: dtype, device: device);
    }

    private static double[] Coordinates(NetCdfFile file, string name, params string[] units)
    {
        var variable = file.Variables.FirstOrDefault(variable => variable.Name == name)
            ?? throw new DataFileException($"'{file.Path}' has no coordinate variable for its dimension '{name}'.");
        if (!units.Contains(variable.Text("units")))
            throw new DataFileException($"The coordinate '{name}' in '{file.Path}' is in '{variable.Text("units")}'; '{units[0]}' is needed.");
        return file.Read(name);
    }
}

namespace DaML.Components;

/// <summary>
/// The rows and columns of a file's grid that lie in a region. Columns are one run, or two if the region crosses the file's edge.
/// </summary>
/// <param name="Grid">The points in the region, in the order in which they are read.</param>
/// <param name="Rows">The first row and the number of rows.</param>
/// <param name="Columns">The first column and the number of columns of each run.</param>
internal sealed record GridWindow(LatitudeLongitudeGrid Grid, (int Start, int Count) Rows, IReadOnlyList<(int Start, int Count)> Columns)
{
    /// <summary>The window of a region.</summary>
    /// <param name="file">The file.</param>
    /// <param name="variable">A variable whose last two dimensions, apart from time and trajectories, are latitude and longitude.</param>
    /// <param name="others">The numbers of the dimensions of time and trajectories, or -1.</param>
    /// <param name="region">The region; null = the whole grid.</param>
    /// <exception cref="DataFileException">The variable has no latitudes and longitudes, or none of them lies in the region.</exception>
    public static GridWindow Of(NetCdfFile file, NetCdfVariable variable, ReadOnlySpan<int> others, LatitudeLongitudeBox? region)
    {
        var dimensions = new List<NetCdfDimension>();
        for (int i = 0; i < variable.Dimensions.Count; i++)
            if (!others.Contains(i)) dimensions.Add(variable.Dimensions[i]);
        if (dimensions.Count < 2)
            throw new DataFileException($"The variable {variable} in '{file.Path}' has no latitude and longitude: beside time it has " +
                $"{dimensions.Count} dimension(s); " +
                "one whose coordinate has the units 'degrees_north' is needed, and one in 'degrees_east'.");
        double[] latitudes = Coordinates(file, variable, dimensions[^2].Name, "degrees_north", "degree_north", "degree_N", "degrees_N",
            "degreeN", "degreesN");
        double[] longitudes = Coordinates(file, variable, dimensions[^1].Name, "degrees_east", "degree_east", "degree_E", "degrees_E",
            "degreeE", "degreesE");
        if (region is null) return new(new(latitudes, longitudes), (0, latitudes.Length), [(0, longitudes.Length)]);
        region.Check();
        var rows = Runs(latitudes, region.HasLatitude);
        var columns = Runs(longitudes, region.HasLongitude);
        if (rows.Count == 0 || columns.Count == 0)
            throw new DataFileException($"No point of the grid of {variable} in '{file.Path}' lies in {region}: its latitudes are " +
                $"from {latitudes.Min()} to {latitudes.Max()}, its longitudes from {longitudes.Min()} to {longitudes.Max()}.");
        // Two runs, one at the end and one at the beginning of the file, are one part of the circle.
        bool isSplit = columns.Count == 2 && columns[0].Start == 0 && columns[1].Start + columns[1].Count == longitudes.Length;
        if (rows.Count > 1 || (columns.Count > 1 && !isSplit))
            throw new DataFileException(
                $"The part of the grid of {variable} in '{file.Path}' in {region} has several pieces: its coordinates neither rise nor " +
                    $"fall.");
        if (isSplit) columns.Reverse();
        double[] taken = [.. columns.SelectMany(run => longitudes.Skip(run.Start).Take(run.Count))];
        if (isSplit) taken = Array.ConvertAll(taken, region.Unwrapped);
        return new(new([.. latitudes.Skip(rows[0].Start).Take(rows[0].Count)], taken), rows[0], columns);
    }

    private static List<(int Start, int Count)> Runs(double[] coordinates, Func<double, bool> isIn)
    {
        var runs = new List<(int Start, int Count)>();
        for (int i = 0; i < coordinates.Length; i++)
            if (isIn(coordinates[i]))
            {
                if (i > 0 && runs.Count > 0 && runs[^1].Start + runs[^1].Count == i) runs[^1] = (runs[^1].Start, runs[^1].Count + 1);
                else runs.Add((i, 1));
            }
        return runs;
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

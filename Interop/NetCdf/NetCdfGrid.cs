namespace DaML.Components;

/// <summary>Reads the grid of a NetCDF variable: <c>LatitudeLongitudeGrid.FromNetCdf("slp.nc", "slp")</c>.</summary>
public static class NetCdfGrid
{
    extension(LatitudeLongitudeGrid)
    {
        /// <summary>Reads the grid of a NetCDF variable: its last two dimensions apart from time, and their coordinate variables.</summary>
        /// <param name="path">The file, or a pattern, of which the first file is used.</param>
        /// <param name="variable">A variable whose last two dimensions, apart from time, are latitude and longitude.</param>
        /// <param name="region">The part of the grid to read, as <see cref="NetCdfOptions.Region"/> (default: null, the whole).</param>
        /// <exception cref="DataFileException">The variable has fewer than two such dimensions, one has no coordinates in degrees north or
        /// east, or no point lies in the region.</exception>
        public static LatitudeLongitudeGrid FromNetCdf(string path, string variable, LatitudeLongitudeBox? region = null)
        {
            using var file = NetCdfFile.Open(NetCdfFilePattern.Files(path)[0]);
            var found = file.Variable(variable);
            return GridWindow.Of(file, found, [NetCdfTimes.DimensionOf(file, found)], region).Grid;
        }
    }
}

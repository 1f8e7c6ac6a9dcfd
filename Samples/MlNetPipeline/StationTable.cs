using System.Globalization;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// The table that ML.NET reads: daily reports of sea-level pressure at places around the North Atlantic, and what the reanalysis has there.
/// A report is the reanalysis at the nearest grid point with a drawn error; drawn outages leave gaps. Samples/data/README.md says where
/// the reanalysis comes from.
/// </summary>
internal static class StationTable
{
    /// <summary>Standard deviation of a report's error, hPa.</summary>
    public const double ReportError = 1.5;

    // The daily probabilities that a station falls silent, and that a silent one reports again: 19 % of the reports are missing.
    private const double FallsSilent = 0.06, ReportsAgain = 0.25;

    /// <summary>The stations with their positions, degrees north and east; the first is the one that is forecast.</summary>
    public static IReadOnlyList<(string Name, double Latitude, double Longitude)> Stations { get; } =
    [
        ("Lerwick", 60.1, -1.2), ("Valentia", 51.9, -10.2), ("Reykjavik", 64.1, -21.9), ("Charlie", 52.5, -35.5),
        ("Nuuk", 64.2, -51.7), ("St-Johns", 47.6, -52.7), ("Ponta-Delgada", 37.7, -25.7), ("Bergen", 60.4, 5.3),
    ];

    /// <summary>The name of the reanalysis in messages and the file that has it.</summary>
    public static string Reanalysis => Path.Combine(AppContext.BaseDirectory, "data", "slp_ncep1_natlantic_daily_2001-2010.nc");

    /// <summary>Makes the table again from the reanalysis; it is the same to the byte.</summary>
    /// <param name="path">The file that is written.</param>
    public static void Write(string path)
    {
        var context = new DataAssimilationContext(seed: 2001);
        var grid = LatitudeLongitudeGrid.FromNetCdf(Reanalysis, "slp");
        long[] points = [.. Stations.Select(station => Nearest(grid, station.Latitude, station.Longitude))];
        using var scope = NewDisposeScope();
        using var field = context.Data.FromNetCdf(Reanalysis, "slp", Columns.Truth, new NetCdfOptions { Scale = 0.01 }).Materialise();
        long days = field.CycleCount!.Value;
        double[] pressure = field[Columns.Truth].squeeze(1).index_select(1, tensor(points)).ToArray<double>();   // [days, stations]
        using var random = context.Random("mlnet-pipeline/reports");
        double[] errors = (random.Normal([days, points.Length], ScalarType.Float64) * ReportError).ToArray<double>();
        double[] chances = random.Uniform([days, points.Length], ScalarType.Float64).ToArray<double>();

        var text = new StringBuilder("date");
        foreach (var station in Stations) text.Append(',').Append(station.Name);
        foreach (var station in Stations) text.Append(',').Append(station.Name).Append("-reanalysis");
        text.Append('\n');
        bool[] silent = new bool[points.Length];
        for (int day = 0; day < days; day++)
        {
            text.Append(DateTime.UnixEpoch.AddDays(field.Times[day]).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            var row = pressure.AsSpan(day * points.Length, points.Length);
            for (int i = 0; i < row.Length; i++)
            {
                int at = day * points.Length + i;
                silent[i] = silent[i] ? chances[at] >= ReportsAgain : chances[at] < FallsSilent;
                text.Append(',');
                if (!silent[i]) text.Append(CultureInfo.InvariantCulture, $"{row[i] + errors[at]:F1}");
            }
            foreach (double value in row) text.Append(CultureInfo.InvariantCulture, $",{value:F2}");
            text.Append('\n');
        }
        AtomicFile.WriteText(path, text.ToString());
    }

    private static long Nearest(LatitudeLongitudeGrid grid, double latitude, double longitude) =>
        Enumerable.Range(0, (int)grid.Size).Select(index => (long)index).MinBy(index =>
        {
            var (north, east) = grid.Location(index);
            double across = (east - longitude) * Math.Cos(latitude * Math.PI / 180);
            return (north - latitude) * (north - latitude) + across * across;
        });
}

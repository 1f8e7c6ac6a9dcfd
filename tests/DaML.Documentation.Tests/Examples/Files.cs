namespace DaML.Tests;

static class FileExamples
{
    public static ITrajectoryView Buoy(DataAssimilationContext context, string path)
    {
        // <csv>
        var buoy = context.Data.FromCsv(path,
            new CsvOptions { Missing = MissingValues.Mask, Markers = ["NA", "-9999"], Comment = '#' },
            new CsvColumn(Columns.Observation, "height", "period"));
        // </csv>
        return buoy;
    }

    public static ITrajectoryView Levels(DataAssimilationContext context, string path)
    {
        // <netcdf>
        var levels = context.Data.FromNetCdf(path, "level", Columns.Observation, new NetCdfOptions
        {
            From = new DateTime(2020, 1, 1), Missing = MissingValues.Mask,
        });
        // </netcdf>
        return levels;
    }

    public static ITrajectoryView Written(DataAssimilationContext context, ITrajectoryView analyses, string csvPath, string netCdfPath)
    {
        // <write>
        analyses.WriteCsv(csvPath, [Columns.Analysis]);
        analyses.WriteNetCdf(netCdfPath, [Columns.Analysis, Columns.AnalysisSpread], timeUnits: "days since 1970-01-01");
        var again = context.Data.FromNetCdf(netCdfPath, "analysis", Columns.Analysis);
        // </write>
        return again;
    }

    public static DataAssimilationContext Coarse()
    {
        // <tolerance>
        var context = new DataAssimilationContext(new DataAssimilationOptions { TimeTolerance = 0.2 });
        // </tolerance>
        return context;
    }
}

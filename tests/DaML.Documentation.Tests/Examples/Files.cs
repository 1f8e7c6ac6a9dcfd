using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

static class FileExamples
{
    public static ITrajectoryView Buoy(DataAssimilationContext context, string path)
    {
        // <csv>
        var buoy = context.Data.FromCsv(path,
            new CsvOptions
            {
                StartTime = FileStart.OneIntervalBefore, Missing = MissingValues.Mask, Markers = ["NA", "-9999"],
                Comment = '#',
            },
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

    public static ITrajectoryView Written(DataAssimilationContext context, ITrajectoryView analyses, string csvPath,
        string netCdfPath)
    {
        // <write>
        analyses.ToCsv(csvPath, [Columns.Analysis]);
        analyses.ToNetCdf(netCdfPath, [Columns.Analysis, Columns.AnalysisSpread], timeUnits: "days since 1970-01-01");
        var again = context.Data.FromNetCdf(netCdfPath, "analysis", Columns.Analysis);
        // </write>
        return again;
    }

    public static ITrajectoryView Years(DataAssimilationContext context, string folder)
    {
        // <sequence>
        var pressure = context.Data.FromNetCdf(Path.Combine(folder, "slp.*.nc"), "slp", new Column("pressure"),
            new NetCdfOptions
        {
            Scale = 0.01,                                                             // hPa of Pa
            Interval = 1,                                                             // refuses a missing day
            Region = new LatitudeLongitudeBox(South: 30, North: 70, West: -70, East: 10),
        });
        // </sequence>
        return pressure;
    }

    public static ProperOrthogonalDecompositionTransformer Modes(DataAssimilationContext context,
        ITrajectoryView pressure,
        LatitudeLongitudeGrid grid)
    {
        // <modes>
        var modes = context.Transforms.ProperOrthogonalDecomposition(new Column("pressure"),
            new Column("coefficients"),
            new ModeSelection.Variance(0.9), grid.AreaWeights(ScalarType.Float64, CPU),
            new ModeFactorisation.Streaming { MaximumModes = 40 }).Fit(pressure);
        foreach (var error in modes.Decomposition.ReconstructionErrors)
            Console.WriteLine(
                $"{error.Modes} modes: {error.VarianceFraction:p1} of the variance, error " +
                    $"{error.RootMeanSquare:f2} hPa");
        // </modes>
        return modes;
    }

    public static void Fields(ITrajectoryView run, LatitudeLongitudeGrid grid, string path)
    {
        // <fields>
        var pressure = new NetCdfDescription
            { Grid = grid, Units = "hPa", StandardName = "air_pressure_at_mean_sea_level" };
        run.ToNetCdf(path, null, "days since 1970-01-01", descriptions: new Dictionary<Column, NetCdfDescription>
        {
            [Columns.Analysis] = pressure,                                            // [n]
            [Columns.Forecast] = pressure with { Leads = [1, 3, 5] },                 // [leads, n]
        });
        // </fields>
    }

    public static DataAssimilationContext Coarse()
    {
        // <tolerance>
        var context = new DataAssimilationContext(new DataAssimilationOptions { TimeTolerance = 0.2 });
        // </tolerance>
        return context;
    }
}

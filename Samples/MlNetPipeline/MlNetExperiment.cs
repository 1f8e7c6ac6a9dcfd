using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>A day of the table: what the stations report, and tomorrow's report of the first of them.</summary>
internal sealed class StationDay
{
    public const int Stations = 12;

    public DateTime Date { get; set; }

    /// <summary>The reports, hPa; NaN where a station is silent.</summary>
    [VectorType(Stations)] public float[] Reports { get; set; } = [];

    /// <summary>The reports of today, yesterday and the day before.</summary>
    [VectorType(3 * Stations)] public float[] Recent { get; set; } = [];

    /// <summary>
    /// What the trainer learns: tomorrow's report of the first station, in tens of hPa from 1010 hPa; NaN if there is none.
    /// </summary>
    public float Label { get; set; }

    /// <summary>A pressure as the trainer takes it, and back.</summary>
    public static float Scaled(double pressure) => (float)((pressure - 1010) / 10);

    public static double Pressure(float scaled) => 1010 + 10 * scaled;
}

/// <summary>Pipelines of ML.NET that forecast tomorrow's pressure, with and without a filter of DaML in them.</summary>
/// <param name="ml">The context of ML.NET.</param>
/// <param name="context">The context of DaML.</param>
internal sealed class MlNetExperiment(MLContext ml, DataAssimilationContext context)
{
    /// <summary>The context of ML.NET.</summary>
    public MLContext Context => ml;

    /// <summary>How the rows are a trajectory.</summary>
    public static TrajectoryRows Reading { get; } =
        new(new RowColumn(Columns.Observation, nameof(StationDay.Reports)))
            { Time = nameof(StationDay.Date), StartTime = FileStart.OneIntervalBefore };

    /// <summary>The table, as ML.NET reads it.</summary>
    public static string TableFile => Path.Combine(AppContext.BaseDirectory, "data", "pressure_reports_usa_daily_1938-1947.csv");

    /// <summary>The days of the table, each with its two days before and tomorrow's report.</summary>
    /// <param name="withheld">The fraction of the reports that is withheld, drawn day by day and station by station (default:
    /// none).</param>
    public IReadOnlyList<StationDay> Days(double withheld = 0)
    {
        var table = ml.Data.CreateTextLoader(new TextLoader.Options
        {
            HasHeader = true, Separators = [','], MissingRealsAsNaNs = true,
            Columns =
            [
                new(nameof(StationDay.Date), DataKind.DateTime, 0),
                new(nameof(StationDay.Reports), DataKind.Single, 1, StationDay.Stations),
            ],
        }).Load(TableFile);
        var days = ml.Data.CreateEnumerable<StationDay>(table, reuseRowObject: false, ignoreMissingColumns: true).ToList();
        foreach (var (day, tomorrow) in days.Zip(days.Skip(1))) day.Label = StationDay.Scaled(tomorrow.Reports[0]);
        using var random = context.Random("mlnet-pipeline/withheld");
        using var chances = random.Uniform([days.Count, StationDay.Stations], ScalarType.Float64);
        foreach (var (day, row) in days.Zip(chances.ToArray<double>().Chunk(StationDay.Stations)))
            day.Reports = [.. day.Reports.Zip(row, (report, chance) => chance < withheld ? float.NaN : report)];
        for (int i = 2; i < days.Count; i++) days[i].Recent = [.. days[i].Reports, .. days[i - 1].Reports, .. days[i - 2].Reports];
        return days[2..^1];
    }

    /// <summary>DaML's filter, then ML.NET's regression from the analyses.</summary>
    public Microsoft.ML.IEstimator<Microsoft.ML.ITransformer> Assimilated(CancellationToken cancellation) =>
        new ReportFilterEstimator(context, StationDay.Stations).AsMicrosoftML(ml, context, Reading, cancellation)
            .AppendCacheCheckpoint(ml)      // the trainer makes many passes over the rows, and each would run the filter again
            .Append(ml.Transforms.NormalizeMeanVariance("Features", "analysis", fixZero: false))
            .Append(Trainer());

    /// <summary>ML.NET's regression from the reports of a column, with mean values in the gaps.</summary>
    /// <param name="column">The column of reports.</param>
    public Microsoft.ML.IEstimator<Microsoft.ML.ITransformer> Unassimilated(string column) =>
        ml.Transforms.ReplaceMissingValues("Filled", column, MissingValueReplacingEstimator.ReplacementMode.Mean)
            .Append(ml.Transforms.NormalizeMeanVariance("Features", "Filled", fixZero: false))
            .Append(Trainer());

    // Linear regression by coordinate ascent. Its defaults choose the regularisation by the number of rows and can diverge; these settle
    // on the ridge regression that a test computes in closed form.
    private SdcaRegressionTrainer Trainer() => ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
    {
        L1Regularization = 0, L2Regularization = 1e-3f, MaximumNumberOfIterations = 200, ConvergenceTolerance = 1e-4f, NumberOfThreads = 1,
    });
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// How a filter did over the test year. Errors are root mean squares over all days and grid points alike, in hPa, of the
/// whole field: what the modes do not resolve counts as an error.
/// </summary>
/// <param name="Analysed">The test year with the analysed pressure, in memory.</param>
/// <param name="AnalysisError">Root-mean-square error of the analysis.</param>
/// <param name="AnalysisSpread">What the filter expects it to be: the root of the mean variance, that of the unresolved part
/// included.</param>
/// <param name="ForecastErrors">Root-mean-square error of forecasts by their lead in days, beginning with 1.</param>
/// <param name="DailyErrors">Root-mean-square error of each day's analysis.</param>
/// <param name="DailySpreads">What the filter expects of each day.</param>
/// <param name="Spreads">The expected standard deviation at each grid point on each day, <c>[days, n]</c>.</param>
/// <param name="Innovations">Innovations beside what the filter expects of them.</param>
internal sealed record PressureScores(MemoryTrajectoryView Analysed, double AnalysisError, double AnalysisSpread,
    IReadOnlyList<double> ForecastErrors,
    IReadOnlyList<double> DailyErrors, IReadOnlyList<double> DailySpreads, IReadOnlyList<double[]> Spreads,
    InnovationStatistics Innovations)
{
    /// <summary>The longest lead of forecasts in days.</summary>
    public const int LongestLead = 10;

    /// <summary>The analysed pressure.</summary>
    public static readonly Column Analysis = new("analysed-pressure");
    private static readonly Column AnalysedAnomaly = new("analysed-anomaly"), Forecast = new("lead-forecast"),
        ForecastAnomaly = new("forecast-anomaly"), ForecastPressure = new("forecast-pressure");

    /// <summary>Runs a filter over the test year, and the model from each of its analyses.</summary>
    public static PressureScores Of<TMemory>(PressureExperiment experiment, SequentialAssimilation<TMemory> filter,
        CancellationToken cancellation) where TMemory : IMemory<TMemory>
    {
        var (modes, seasons) = (experiment.Modes, experiment.Seasons);
        var analysed = filter.Append(modes.Inverse(Columns.Analysis, AnalysedAnomaly)).Append(seasons.Inverse(AnalysedAnomaly, Analysis))
            .Transform(experiment.Observed)
            .Materialise([PressurePipeline.Pressure, Columns.Analysis, Analysis], cancellation: cancellation);
        var (error, daily) = Error(analysed, Analysis);

        var forecasts = new List<double>();
        for (int lead = 1; lead <= LongestLead; lead++)
        {
            cancellation.ThrowIfCancellationRequested();
            var forecast = new LeadTimeForecast(experiment.Model.Dynamics, Columns.Analysis, Forecast, lead)
                .Append(modes.Inverse(Forecast, ForecastAnomaly)).Append(seasons.Inverse(ForecastAnomaly, ForecastPressure));
            forecasts.Add(Error(forecast.Transform(analysed), ForecastPressure).Whole);
        }

        var (spreads, innovations) = Expectations(experiment, filter, cancellation);
        double[] dailySpreads = [.. spreads.Select(day => Math.Sqrt(day.Average(value => value * value)))];
        return new PressureScores(analysed, error, Math.Sqrt(dailySpreads.Average(value => value * value)), forecasts, daily, dailySpreads,
            spreads, innovations);
    }

    /// <summary>The errors of taking a day's pressure for that of some days later, by lead in days.</summary>
    public static IReadOnlyList<double> Persistence(ITrajectoryView year)
    {
        using var same = eye(year.Schema[PressurePipeline.Pressure].Shape[0], dtype: ScalarType.Float64);
        var persistence = new LinearDynamics(same);
        return [.. Enumerable.Range(1, LongestLead).Select(lead =>
            Error(new LeadTimeForecast(persistence, PressurePipeline.Pressure, ForecastPressure, lead).Transform(year),
                ForecastPressure).Whole)];
    }

    /// <summary>The error of the seasonal cycle alone.</summary>
    public static double Climatology(ITrajectoryView year)
    {
        double sum = 0;
        long days = 0;
        foreach (var day in year)
        {
            using var scope = NewDisposeScope();
            sum += day[PressurePipeline.Anomaly].square().mean().ToDouble();
            days++;
        }
        return Math.Sqrt(sum / days);
    }

    /// <summary>
    /// The error of the model without assimilation: of free runs from the climatological distribution, each by itself, and of their mean.
    /// </summary>
    public static (double Runs, double Mean) FreeRuns(DataAssimilationContext context, PressureExperiment experiment, int runs)
    {
        var free = context.Data.Twin(new AssimilationSystem(experiment.Model.Dynamics, experiment.Network) { Initial = experiment.Initial },
            new() { Stream = "pressure-analysis/free-runs", Batch = runs });
        double each = 0, mean = 0;
        long days = 0;
        using var year = experiment.Observed.OpenCursor();
        using var run = free.OpenCursor();
        for (; year.MoveNext() && run.MoveNext(); days++)
        {
            using var scope = NewDisposeScope();
            var fields = experiment.Modes.Decomposition.Reconstruct(run[Columns.Truth]); // [runs, n]
            each += (fields - year[PressurePipeline.Anomaly]).square().mean().ToDouble();
            mean += (fields.mean([0], keepdim: true) - year[PressurePipeline.Anomaly]).square().mean().ToDouble();
        }
        return (Math.Sqrt(each / days), Math.Sqrt(mean / days));
    }

    // What the filter expects of its errors, day by day, and of its innovations.
    private static (List<double[]> Spreads, InnovationStatistics Innovations) Expectations<TMemory>(PressureExperiment experiment,
        SequentialAssimilation<TMemory> filter, CancellationToken cancellation)
        where TMemory : IMemory<TMemory>
    {
        var decomposition = experiment.Modes.Decomposition;
        var innovations = new InnovationStatistics(experiment.Network.Operator, experiment.Network.Error);
        var spreads = new List<double[]>();
        using var run = filter.Run(experiment.Observed);
        while (run.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            innovations.Add(run.ForecastDensity, new Observation(run[Columns.Observation], null, run.Time));
            // The diagonal of B P B^T, and the variance of what the modes do not resolve.
            var covariance = run.AnalysisDensity.Covariance[0];
            var variance = (matmul(decomposition.Modes, covariance) * decomposition.Modes).sum(1) + decomposition.TruncationVariance;
            spreads.Add(variance.sqrt().ToArray<double>());
        }
        return (spreads, innovations);
    }

    // Root-mean-square difference of a column from the true pressure: over all days and points, and of each day.
    private static (double Whole, double[] Daily) Error(ITrajectoryView view, Column column)
    {
        var squares = new List<double>();
        foreach (var cycle in view)
        {
            using var scope = NewDisposeScope();
            squares.Add((cycle[column] - cycle[PressurePipeline.Pressure]).square().mean().ToDouble());
        }
        return (Math.Sqrt(squares.Average()), [.. squares.Select(Math.Sqrt)]);
    }
}

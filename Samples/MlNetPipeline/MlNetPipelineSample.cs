using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// A filter of DaML inside a pipeline of ML.NET: reports of pressure come from a table, the filter turns them into analyses, and a trainer
/// of ML.NET learns tomorrow's pressure from these. The same trainer learns from the reports alone.
/// </summary>
public sealed class MlNetPipelineSample : ISample
{
    private const int ShownDays = 90;
    private const double Withheld = 0.5;
    private static readonly DateTime TestBegins = new(1946, 1, 1);

    /// <inheritdoc/>
    public string Name => "mlnet-pipeline";

    /// <inheritdoc/>
    public string Summary =>
        "Forecasts tomorrow's pressure by a trainer of Microsoft.ML, from a filter's analyses and from the reports alone.";

    /// <inheritdoc/>
    public string Details => """
        Microsoft.ML reads a table of real reports: daily mean sea-level pressure at twelve airfields of the United States, 1938
        to 1947 (NOAA, Global Surface Summary of the Day), with the gaps that it has. One pipeline learns from 1938-1945: a
        filter of DaML (seasonal cycle, linear inverse model of three days, Kalman filter), then a linear regression of
        Microsoft.ML that forecasts tomorrow's pressure at Langley, Virginia, from the analyses. The same regression learns from
        the reports of today, and of three days, without a filter. All are scored by the reports of 1946-1947, beside
        persistence and climatology; and all once more, learned and scored with half of the reports withheld. Takes a minute.
        Writes report.html, the figures as SVG and the fitted pipeline.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var (ml, context) = (new MLContext(seed: (int)run.Options.Seed), run.CreateContext());
        var experiment = new MlNetExperiment(ml, context);
        var everything = experiment.Days();
        var tested = Tested(everything);
        bool Gap(int day) => tested[day].Recent.Any(float.IsNaN);
        var (all, analyses, learned) = Score(experiment, context, everything, run.OutputFile("pipeline.zip"), run.Cancellation);
        var scarce = experiment.Days(Withheld);
        var half = Score(experiment, context, scarce, null, run.Cancellation);

        var table = new ReportTable("Tomorrow's pressure at Langley in 1946-1947, RMSE, hPa",
            ["", "all days", "no gap in three days", "with a gap", "half of the reports"],
            [.. all.Zip(half.Errors, (errors, withheld) => (IReadOnlyList<string>)[errors.Name, SampleRun.Number(errors.Rmse, 2),
                SampleRun.Number(errors.RmseOn(day => !Gap(day)), 2), SampleRun.Number(errors.RmseOn(Gap), 2),
                SampleRun.Number(withheld.Rmse, 2)])]);
        run.Show(table);

        var (gain, gainError) = all[0].GainOver(all[2]);
        var (gainHalf, gainHalfError) = half.Errors[0].GainOver(half.Errors[2]);
        var withheldReports = Tested(scarce);
        double estimate = Rms(Enumerable.Range(0, tested.Length).Where(day => float.IsNaN(withheldReports[day].Reports[0]))
            .Select(day => (double)half.Analyses[day][0] - tested[day].Reports[0]));
        string findings = $"""
            With all reports, the mean square error of tomorrow's forecast is lower by {gain:F2} ± {gainError:F2} hPa² from the analyses
            than from three days' reports; with half of them, by {gainHalf:F1} ± {gainHalfError:F1} hPa² (standard errors over blocks of
            thirty days). Where Langley's report is withheld, the analysis is off it by {estimate:F2} hPa.
            """.ReplaceLineEndings(" ");
        run.Say(findings);

        var chosen = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["training"] = "1938-1945", ["test"] = "1946-1947", ["stations"] = StationDay.Stations,
            ["report_error.hPa"] = ReportFilterEstimator.ReportError, ["withheld"] = Withheld, ["trainer"] = "SdcaRegressionTrainer",
        };
        var figures = new MlNetFigures(tested, learned, analyses, half.Analyses, [.. all.Zip(half.Errors)]);
        run.Write(new HtmlReport("Tomorrow's pressure, with and without data assimilation",
        [
            new ReportParagraph(Details.ReplaceLineEndings(" ")),
            table,
            new ReportParagraph(findings),
            new ReportFigure(run.Write(figures.Errors(), "errors"), "Root-mean-square error of the forecasts over 1946-1947."),
            new ReportFigure(run.Write(figures.Winter(ShownDays), "winter"),
                "The first ninety days of 1946: the reports, the analyses from all and from half of the reports, and each day's forecast " +
                    "made the day before from the analyses."),
            new ReportHeading("Settings"),
            new ReportSettings(chosen),
            new ReportParagraph("Reports: Global Surface Summary of the Day, National Climatic Data Center (NOAA), Asheville, North " +
                "Carolina, USA; stations of the United States."),
        ]));
        var metrics = new Dictionary<string, double>
        {
            ["mse_gain"] = gain, ["mse_gain.standard_error"] = gainError,
            ["mse_gain.half"] = gainHalf, ["mse_gain.half.standard_error"] = gainHalfError,
            ["rmse.estimate.withheld"] = estimate, ["days.with_a_gap"] = Enumerable.Range(0, tested.Length).Count(Gap),
        };
        string[] names = ["assimilated", "reports", "reports_of_three_days", "kalman_forecast", "persistence", "climatology"];
        foreach (var (name, (errors, withheld)) in names.Zip(all.Zip(half.Errors)))
        {
            metrics[$"rmse.{name}"] = errors.Rmse;
            metrics[$"rmse.{name}.with_a_gap"] = errors.RmseOn(Gap);
            metrics[$"rmse.{name}.without_a_gap"] = errors.RmseOn(day => !Gap(day));
            metrics[$"rmse.{name}.half"] = withheld.Rmse;
        }
        return new SampleResult(chosen, metrics);
    }

    private static StationDay[] Tested(IReadOnlyList<StationDay> days) => [.. days.Where(day => day.Date >= TestBegins)];

    // Fits everything on the first years, and scores it on the others. With a file the pipeline is saved, and scored as it is read again.
    private static (PressureErrors[] Errors, float[][] Analyses, double[] Learned) Score(MlNetExperiment experiment,
        DataAssimilationContext context, IReadOnlyList<StationDay> days, string? file, CancellationToken cancellation)
    {
        var ml = experiment.Context;
        var training = ml.Data.LoadFromEnumerable(days.Where(day => day.Date < TestBegins).ToList());
        var tested = Tested(days);
        var test = ml.Data.LoadFromEnumerable(tested);
        var assimilated = experiment.Assimilated(cancellation);
        assimilated.GetOutputSchema(training.Schema.ToShape());
        var pipeline = assimilated.Fit(training);
        if (file is not null)
        {
            context.Model.SaveMicrosoftML(ml, pipeline, training.Schema, file);
            pipeline = context.Model.LoadMicrosoftML(ml, file, out _);
        }
        var analysed = pipeline.Transform(test);

        double[] tomorrow = [.. tested.Select(day => StationDay.Pressure(day.Label))];
        PressureErrors Of(string name, IEnumerable<double> values) =>
            new(name, [.. values.Take(tested.Length - 1).Zip(tomorrow, (value, report) => value - report)]);
        IEnumerable<double> Scores(IDataView rows) => rows.GetColumn<float>("Score").Select(StationDay.Pressure);
        PressureErrors FromReports(string name, string column) =>
            Of(name, Scores(experiment.Unassimilated(column).Fit(training).Transform(test)));

        double[] learned = [.. Scores(analysed)];
        PressureErrors[] errors =
        [
            Of("regression from the analyses", learned),
            FromReports("regression from today's reports", nameof(StationDay.Reports)),
            FromReports("regression from three days' reports", nameof(StationDay.Recent)),
            Of("the Kalman filter's own forecast", analysed.GetColumn<float[]>("forecast").Skip(1).Select(row => (double)row[0])),
            Of("persistence of the last report", LastReports(days, tested)),
            Of("climatology", Climatology(pipeline, tested)),
        ];
        return (errors, [.. analysed.GetColumn<float[]>("analysis")], learned);
    }

    private static double Rms(IEnumerable<double> values) => Math.Sqrt(values.Average(value => value * value));

    // The last report of the first station, on each of the days.
    private static IEnumerable<double> LastReports(IReadOnlyList<StationDay> days, StationDay[] tested)
    {
        double last = double.NaN;
        foreach (var day in days)
        {
            if (!float.IsNaN(day.Reports[0])) last = day.Reports[0];
            if (day.Date >= tested[0].Date) yield return last;
        }
    }

    // The seasonal cycle that the filter learned, one day after each of the days.
    private static IEnumerable<double> Climatology(Microsoft.ML.ITransformer pipeline, StationDay[] tested)
    {
        var filter = ((IEnumerable<Microsoft.ML.ITransformer>)pipeline).OfType<MicrosoftMLTransformer>().Single();
        var seasons = ((TransformerChain)filter.Transformer).Steps.OfType<SeasonalCycleTransformer>().First().Cycle;
        foreach (var day in tested)
        {
            using var scope = NewDisposeScope();
            yield return seasons.At((day.Date - DateTime.UnixEpoch).TotalDays + 1, ScalarType.Float64, CPU)[0].ToDouble();
        }
    }
}

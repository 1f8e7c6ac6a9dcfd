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
    private const string WriteData = "--write-data";
    private const int ShownDays = 90;
    private static readonly DateTime TestBegins = new(2009, 1, 1);

    /// <inheritdoc/>
    public string Name => "mlnet-pipeline";

    /// <inheritdoc/>
    public string Summary =>
        "Forecasts tomorrow's pressure by a trainer of Microsoft.ML, from a filter's analyses and from the reports alone.";

    /// <inheritdoc/>
    public string Details => """
        Microsoft.ML reads a table of daily sea-level pressure at eight stations around the North Atlantic, 2001 to 2010: the
        NCEP/NCAR reanalysis at the nearest grid points, reported with a drawn error of 1.5 hPa and drawn outages (19 %). One
        pipeline learns from 2001-2008: a filter of DaML (seasonal cycle, linear inverse model, Kalman filter), then a linear
        regression of Microsoft.ML that forecasts tomorrow's pressure at Lerwick from the analyses. The same regression learns
        from the reports of today, and of three days, without a filter. All are scored against the reanalysis of 2009-2010,
        beside persistence and climatology. Takes seconds. Writes report.html, the figures as SVG and the fitted pipeline.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSetting> Settings =>
        [new(WriteData, "FILE", "make the table of reports again from the reanalysis, write it to FILE, and do nothing else")];

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        if (run.Options.Settings.TryGetValue(WriteData, out string? path))
        {
            StationTable.Write(path);
            run.Say($"The table is in {path}.");
            return new SampleResult(new Dictionary<string, object> { ["table"] = path }, new Dictionary<string, double>());
        }

        var (ml, context) = (new MLContext(seed: (int)run.Options.Seed), run.CreateContext());
        var experiment = new MlNetExperiment(ml, context);
        var days = experiment.Days();
        var training = ml.Data.LoadFromEnumerable(days.Where(day => day.Date < TestBegins).ToList());
        StationDay[] tested = [.. days.Where(day => day.Date >= TestBegins)];
        var test = ml.Data.LoadFromEnumerable(tested);

        // The pipeline is fitted, saved, and scored as it is read again.
        var assimilated = experiment.Assimilated(run.Cancellation);
        assimilated.GetOutputSchema(training.Schema.ToShape());
        string file = run.OutputFile("pipeline.zip");
        context.Model.SaveMicrosoftML(ml, assimilated.Fit(training), training.Schema, file);
        var pipeline = context.Model.LoadMicrosoftML(ml, file, out _);
        var analysed = pipeline.Transform(test);
        float[][] analyses = [.. analysed.GetColumn<float[]>("analysis")], forecasts = [.. analysed.GetColumn<float[]>("forecast")];

        double[] today = [.. tested.Select(day => (double)day.Reanalysis[0])];
        double[] tomorrow = [.. tested.Select(day => StationDay.Pressure(day.Label))];
        PressureErrors Of(string name, IEnumerable<double> values) =>
            new(name, [.. values.Take(tested.Length - 1).Zip(tomorrow, (value, truth) => value - truth)]);
        IEnumerable<double> Scores(IDataView rows) => rows.GetColumn<float>("Score").Select(StationDay.Pressure);
        IEnumerable<double> FromReports(string column) => Scores(experiment.Unassimilated(column).Fit(training).Transform(test));

        double[] learned = [.. Scores(analysed)];
        var best = Of("regression from the analyses", learned);
        var reports = Of("regression from today's reports", FromReports(nameof(StationDay.Reports)));
        var recent = Of("regression from three days' reports", FromReports(nameof(StationDay.Recent)));
        var model = Of("the Kalman filter's own forecast", forecasts.Skip(1).Select(row => (double)row[0]));
        var persistence = Of("persistence of the last report", LastReports(days, tested));
        var climatology = Of("climatology", Climatology(pipeline, tested));
        PressureErrors[] all = [best, reports, recent, model, persistence, climatology];

        bool Silent(int day) => float.IsNaN(tested[day].Reports[0]);
        var table = new ReportTable("Tomorrow's pressure at Lerwick in 2009-2010, RMSE, hPa",
            ["", "all days", "with a report today", "without"],
            [.. all.Select(errors => (IReadOnlyList<string>)[errors.Name, SampleRun.Number(errors.Rmse, 2),
                SampleRun.Number(errors.RmseOn(day => !Silent(day)), 2), SampleRun.Number(errors.RmseOn(Silent), 2)])]);
        var (gain, gainError) = best.GainOver(reports);
        var (gainRecent, gainRecentError) = best.GainOver(recent);
        run.Show(table);

        double AnalysisError(Func<int, bool> day) =>
            Rms(analyses.Select((row, i) => (row[0] - today[i], i)).Where(pair => day(pair.i)).Select(pair => pair.Item1));
        double reportError = Rms(tested.Where((_, day) => !Silent(day)).Select(day => (double)day.Reports[0] - day.Reanalysis[0]));
        double analysisError = AnalysisError(day => !Silent(day)), silentError = AnalysisError(Silent);
        string findings = $"""
            A report of Lerwick is off by {reportError:F2} hPa and the analysis of that day by {analysisError:F2} hPa; where there is no
            report, the analysis is off by {silentError:F2} hPa.
            From the analyses the mean square error of tomorrow's forecast is lower by {gain:F1} ± {gainError:F1} hPa² than from today's
            reports, and by {gainRecent:F1} ± {gainRecentError:F1} hPa² than from those of three days (standard errors over blocks of
            thirty days). The filter has learned from the reanalysis at all stations, the regressions from that at Lerwick.
            """.ReplaceLineEndings(" ");
        run.Say(findings);

        var chosen = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["training"] = "2001-2008", ["test"] = "2009-2010", ["stations"] = StationDay.Stations,
            ["report_error.hPa"] = StationTable.ReportError, ["trainer"] = "SdcaRegressionTrainer",
        };
        var figures = new MlNetFigures(tested, learned, analyses, all);
        run.Write(new HtmlReport("Tomorrow's pressure, with and without data assimilation",
        [
            new ReportParagraph(Details.ReplaceLineEndings(" ")),
            table,
            new ReportParagraph(findings),
            new ReportFigure(run.Write(figures.Errors(), "errors"), "Root-mean-square error of the forecasts over 2009-2010."),
            new ReportFigure(run.Write(figures.Winter(ShownDays), "winter"),
                "The first ninety days of 2010: the reanalysis, the reports with their gaps, the analyses, and each day's forecast made " +
                    "the day before from the analyses."),
            new ReportHeading("Settings"),
            new ReportSettings(chosen),
            new ReportParagraph("NCEP/NCAR Reanalysis 1 data provided by the NOAA Physical Sciences Laboratory, Boulder, Colorado, USA " +
                "(Kalnay et al. 1996). Errors and outages of the reports are drawn."),
        ]));
        return new SampleResult(chosen, new Dictionary<string, double>
        {
            ["rmse.assimilated"] = best.Rmse, ["rmse.reports"] = reports.Rmse, ["rmse.reports_of_three_days"] = recent.Rmse,
            ["rmse.kalman_forecast"] = model.Rmse, ["rmse.persistence"] = persistence.Rmse, ["rmse.climatology"] = climatology.Rmse,
            ["rmse.assimilated.silent"] = best.RmseOn(Silent), ["rmse.reports.silent"] = reports.RmseOn(Silent),
            ["rmse.reports_of_three_days.silent"] = recent.RmseOn(Silent),
            ["rmse.assimilated.reported"] = best.RmseOn(day => !Silent(day)),
            ["rmse.reports.reported"] = reports.RmseOn(day => !Silent(day)),
            ["rmse.reports_of_three_days.reported"] = recent.RmseOn(day => !Silent(day)),
            ["mse_gain.over_reports"] = gain, ["mse_gain.over_reports.standard_error"] = gainError,
            ["mse_gain.over_three_days"] = gainRecent, ["mse_gain.over_three_days.standard_error"] = gainRecentError,
            ["rmse.report"] = reportError, ["rmse.analysis.reported"] = analysisError, ["rmse.analysis.silent"] = silentError,
        });
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

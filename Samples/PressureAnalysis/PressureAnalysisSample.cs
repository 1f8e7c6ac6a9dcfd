namespace DaML.Samples;

/// <summary>
/// Real fields through the same contracts: sea-level pressure over the North Atlantic is analysed from 40 sites a day, in
/// the space of its leading modes, with a linear inverse model (Penland and Magorian 1993) as the dynamics.
/// </summary>
public sealed class PressureAnalysisSample : ISample
{
    private const int MapDay = 57; // 27 February 2010: the storm Xynthia off Portugal
    private const int FreeRunCount = 100;
    private static readonly int[] Leads = [1, 3, 5, 10];

    /// <inheritdoc/>
    public string Name => "pressure-analysis";

    /// <inheritdoc/>
    public string Summary =>
        "Analyses real sea-level pressure over the North Atlantic from 40 sites a day: modes, a linear inverse model, Kalman filter and " +
            "ETKF.";

    /// <inheritdoc/>
    public string Details => """
        Daily NCEP/NCAR sea-level pressure, 30-70 N, 70 W-10 E, 2001 to 2010, is read from NetCDF. From 2001-2008 are learned
        the seasonal cycle, the 40 leading modes of the anomalies and a linear inverse model of their coefficients with its
        model error (Penland and Magorian 1993). Over 2010, 40 sites drawn once observe the real field daily with an error of
        1 hPa; the Kalman filter and an ensemble transform Kalman filter assimilate them, what the modes leave out counting
        as an observation error. Errors are those of the whole field, every grid point and day alike (not area-weighted).
        Takes seconds. Writes report.html and the figures as SVG.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var settings = new PressureSettings();
        var context = run.CreateContext();
        var experiment = PressurePipeline.Compose(context, settings, run.Cancellation);
        var kalman = PressureScores.Of(experiment, experiment.KalmanFilter, run.Cancellation);
        var ensemble = PressureScores.Of(experiment, experiment.EnsembleFilter, run.Cancellation);
        var persistence = PressureScores.Persistence(kalman.Analysed);
        double climatology = PressureScores.Climatology(experiment.Observed);
        var (freeRuns, freeMean) = PressureScores.FreeRuns(context, experiment, FreeRunCount);

        var errors = Errors(kalman, ensemble, persistence, climatology, freeRuns, freeMean);
        var consistency = Consistency(kalman, ensemble);
        run.Show(errors);
        run.Show(consistency);

        var chosen = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed,
            ["training"] = "2001-2008",
            ["test"] = "2010",
            ["modes"] = settings.Modes,
            ["modes.variance_fraction"] = Math.Round(experiment.Modes.Decomposition.VarianceFraction, 4),
            ["sites"] = settings.Sites,
            ["observation_error.hPa"] = settings.ObservationError,
            ["members"] = settings.Members,
            ["area_weighted"] = false,
        };
        run.Write(new HtmlReport("Sea-level pressure over the North Atlantic from 40 sites a day",
        [
            new ReportParagraph(Details.ReplaceLineEndings(" ")),
            errors,
            new ReportFigure(run.Write(PressureFigures.Maps(experiment, kalman, MapDay), "maps"),
                "One day: the real field with the observing sites, the analysis of their observations and all before, its error, and the " +
                    "standard deviation the filter expects of it."),
            new ReportFigure(run.Write(PressureFigures.Skill(kalman, ensemble, persistence, climatology, freeRuns), "forecasts"),
                "Root-mean-square error over the whole field of the analysis (lead 0) and of forecasts from it."),
            consistency,
            new ReportFigure(run.Write(PressureFigures.Innovations(kalman), "innovations"),
                "The Kalman filter's innovations against the size that it predicts. Its model error is the same all year, so it is " +
                    "overconfident in winter and underconfident in summer."),
            new ReportFigure(run.Write(PressureFigures.Year(kalman), "year"),
                "Error of each day's analysis, and the error that the filter predicts."),
            new ReportHeading("Settings"),
            new ReportSettings(chosen),
            new ReportParagraph(
                "NCEP/NCAR Reanalysis 1 data provided by the NOAA Physical Sciences Laboratory, Boulder, Colorado, USA (Kalnay et al. " +
                    "1996)."),
        ]));
        return new SampleResult(chosen, Metrics(kalman, ensemble, persistence, climatology, freeRuns, freeMean));
    }

    private static Dictionary<string, double> Metrics(PressureScores kalman, PressureScores ensemble, IReadOnlyList<double> persistence,
        double climatology, double freeRuns, double freeMean)
    {
        var metrics = new Dictionary<string, double>
        {
            ["rmse.climatology"] = climatology,
            ["rmse.free_run"] = freeRuns,
            ["rmse.free_run.mean"] = freeMean,
        };
        foreach (int lead in Leads) metrics[$"rmse.persistence.day{lead}"] = persistence[lead - 1];
        foreach (var (suffix, scores) in new[] { ("", kalman), (".etkf", ensemble) })
        {
            metrics["rmse.analysis" + suffix] = scores.AnalysisError;
            foreach (int lead in Leads) metrics[$"rmse.forecast.day{lead}{suffix}"] = scores.ForecastErrors[lead - 1];
            metrics["spread_over_error" + suffix] = scores.AnalysisSpread / scores.AnalysisError;
            metrics["innovation.chi_square" + suffix] = scores.Innovations.MeanChiSquare;
            metrics["innovation.rms" + suffix] = scores.Innovations.RootMeanSquare;
            metrics["innovation.rms_expected" + suffix] = scores.Innovations.PredictedRootMeanSquare;
        }
        return metrics;
    }

    private static ReportTable Errors(PressureScores kalman, PressureScores ensemble, IReadOnlyList<double> persistence, double climatology,
        double freeRuns, double freeMean)
    {
        IReadOnlyList<string> Row(string name, double? analysis, Func<int, double> forecast) =>
            [name, analysis is { } value ? SampleRun.Number(value, 2) : "", .. Leads.Select(lead => SampleRun.Number(forecast(lead), 2))];
        return new ReportTable("RMSE over the whole field in 2010, hPa",
            ["", "analysis", .. Leads.Select(lead => lead == 1 ? "1 day" : $"{lead} days")],
        [
            Row("Kalman filter", kalman.AnalysisError, lead => kalman.ForecastErrors[lead - 1]),
            Row("ETKF", ensemble.AnalysisError, lead => ensemble.ForecastErrors[lead - 1]),
            Row("persistence of the true field", null, lead => persistence[lead - 1]),
            Row("climatology", climatology, _ => climatology),
            Row("model without assimilation, one run", freeRuns, _ => freeRuns),
            Row($"model without assimilation, mean of {FreeRunCount} runs", freeMean, _ => freeMean),
        ]);
    }

    private static ReportTable Consistency(PressureScores kalman, PressureScores ensemble)
    {
        IReadOnlyList<string> Row(string name, PressureScores scores) =>
        [
            name, SampleRun.Number(scores.AnalysisSpread / scores.AnalysisError, 2),
            SampleRun.Number(scores.Innovations.RootMeanSquare, 2), SampleRun.Number(scores.Innovations.PredictedRootMeanSquare, 2),
            SampleRun.Number(scores.Innovations.MeanChiSquare, 2), SampleRun.Number(scores.Innovations.Mean, 2),
            SampleRun.Number(scores.Innovations.Kurtosis, 2),
        ];
        return new ReportTable("What the filters expect of themselves",
            ["", "spread / error", "innovations, hPa", "expected, hPa", "χ² / p", "mean, normalised", "kurtosis"],
            [["as expected", "1", "", "", "1", "0", "3"], Row("Kalman filter", kalman), Row("ETKF", ensemble)]);
    }
}

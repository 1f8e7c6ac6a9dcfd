using System.Globalization;

namespace DaML.Samples;

/// <summary>
/// The main job: learns an analysis for Lorenz-96 (Bocquet et al. 2024, a small network), compares it with the classical
/// methods, saves it, reads it back, and draws what happened.
/// </summary>
/// <param name="burnIn">Test cycles that are not scored.</param>
/// <param name="cycles">Test cycles that are scored, of each of the test's trajectories.</param>
/// <param name="steps">Optimiser steps that training takes where its time allows.</param>
public sealed class DemoSample(long burnIn = 200, long cycles = 2000, long steps = 12_000) : ISample
{
    private const string Observations = "observations alone", Learned = "learned", Reloaded = "learned, reloaded";
    private const double SameToWithin = 1e-6;

    // A row of the table: key of the metric, what is to be expected of it, and a figure to draw beside it.
    private sealed record Expectation(string Name, string Metric, string Expected, double? Figure);

    private static readonly Expectation[] Expectations =
    [
        new(Observations, "rmse.observations", "1.0 (R = I)", 1.0),
        new("3D-Var", "rmse.3dvar", "0.40 ± 0.03", 0.40),
        new(Learned, "rmse.learned", "0.30 or better", 0.30),
        new(Reloaded, "rmse.learned.reloaded", "the same to 1e-6", null),
        new("ETKF, 20 members", "rmse.etkf.20", "0.20", 0.20),
        new("ETKF, 40 members", "rmse.etkf.40", "0.20 or better", 0.20),
        new("EnKF-N, 20 members", "rmse.enkf_n.20", "0.19", 0.191),
        new("EnKF-N, 40 members", "rmse.enkf_n.40", "0.18", 0.179),
    ];

    /// <inheritdoc/>
    public string Name => "demo";

    /// <inheritdoc/>
    public string Summary => "Learns an analysis for the Lorenz-96 model and compares it with 3D-Var, the ETKF and the EnKF-N.";

    /// <inheritdoc/>
    public string Details => $"""
        A residual convolutional network (Bocquet et al. 2024, here about 5,600 parameters) learns to correct the forecast of the
        Lorenz-96 model (40 sites, F = 8, all sites observed every 0.05 with error variance 1) from observations alone, without
        an ensemble. It is trained for {TrainingMinutes:0} minutes at most, saved, read back, and scored over {cycles:N0} test cycles beside
        the observations themselves, 3D-Var and four ensemble filters.
        Writes learned.daml (the model), report.html (table and figures on one page) and the figures as SVG.
        Ctrl-C during training keeps the best model so far; --resume continues from there.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => 5;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var settings = new DemoSettings(run.OutputFile("learned.daml"), run.Checkpoint(), steps,
            TimeSpan.FromMinutes(run.Options.Minutes!.Value), burnIn, cycles);
        var outcome = run.Track(progress => DemoPipeline.Run(run.ContextOptions(progress), settings, run.Cancellation));
        File.Delete(settings.Checkpoint);

        var analyzer = (LearnedAnalyzer<StateMemory>)outcome.Learned.Triple.Analyzer;
        var history = analyzer.History!;
        var averages = outcome.Scores.ToDictionary(score => score.Key, score => score.Value.AnalysisRmse);
        averages.Add(Observations, outcome.Scores[Learned].ObservationRmse!);
        double difference = Math.Abs(averages[Learned].Mean - averages[Reloaded].Mean);
        if (!(difference <= SameToWithin))
            throw new InvalidDataException(
                $"The model read back from '{settings.ModelFile}' scores {averages[Reloaded].Mean:R}, not {averages[Learned].Mean:R} as " +
                    $"before it was saved.");

        var table = new ReportTable(
            $"Analysis RMSE over {cycles.ToString("N0", CultureInfo.InvariantCulture)} cycles of {outcome.Test.Schema.Batch} trajectories",
            ["method", "measured", "standard error", "expected"],
            [.. Expectations.Select(row =>
                (string[])[row.Name, SampleRun.Number(averages[row.Name].Mean, 4), SampleRun.Number(averages[row.Name].StandardError, 4),
                    row.Expected])]);
        var result = new SampleResult(Settings(run, outcome, analyzer), Metrics(averages, history));
        run.Show(table);
        run.Say(string.Create(CultureInfo.InvariantCulture,
            $"Trained for {history.Steps[^1].Seconds:0} seconds, {history.Steps.Count} steps; the model read back differs by " +
            $"{difference:0.0e+0}."));
        Draw(run, outcome, history, averages, table, result);
        return result;
    }

    private Dictionary<string, object> Settings(SampleRun run, DemoOutcome outcome, LearnedAnalyzer<StateMemory> analyzer) => new()
    {
        ["seed"] = run.Options.Seed,
        ["device"] = run.Options.Device,
        ["minutes"] = run.Options.Minutes!.Value,
        ["model"] = "Lorenz-96, n = 40, F = 8, step 0.05",
        ["observations"] = "all sites every step, error variance 1",
        ["network.parameters"] = analyzer.Network.parameters().Sum(parameter => parameter.numel()),
        ["training.steps"] = analyzer.History!.Steps.Count,
        ["training.ended"] = analyzer.History.End.ToString(),
        ["test.trajectories"] = outcome.Test.Schema.Batch,
        ["test.burn_in"] = burnIn,
        ["test.cycles"] = cycles,
    };

    private static Dictionary<string, double> Metrics(Dictionary<string, TimeAverage> averages, TrainingHistory history)
    {
        var metrics = Expectations.ToDictionary(row => row.Metric, row => averages[row.Name].Mean);
        metrics.Add("seconds.training", history.Steps[^1].Seconds);
        return metrics;
    }

    private void Draw(SampleRun run, DemoOutcome outcome, TrainingHistory history, Dictionary<string, TimeAverage> averages,
        ReportTable table, SampleResult result)
    {
        var bars = run.Write(
            DemoFigures.Bars(
                [.. Expectations.Where(row => row.Name != Reloaded).Select(row => new Bar(row.Name, averages[row.Name].Mean, row.Figure))]),
                "scores");
        var fields = run.Write(DemoFigures.Fields(outcome, burnIn), "fields");
        var errors =
            run.Write(DemoFigures.Errors(outcome, [.. averages.Where(average => average.Key is not (Reloaded or Observations))], burnIn),
            "errors");
        var training = run.Write(DemoFigures.Training(history, averages["3D-Var"].Mean), "training");
        run.Write(new HtmlReport("A learned analysis for Lorenz-96",
        [
            new ReportParagraph(
                "A residual convolutional network corrects the forecast of the Lorenz-96 model from observations alone, without an " +
                    "ensemble (Bocquet et al. 2024; here a small network trained within minutes). " +
                                "Every method sees the same observations of the same test trajectories. The error is the time average of " +
                                    "the root mean square over the 40 sites."),
            table,
            new ReportFigure(bars,
                "Analysis error of each method beside the figure to be expected: from the literature for the classical methods, the " +
                    "demo's own target for the learned one."),
            new ReportFigure(fields,
                "The first trajectory after the burn-in: truth, what was observed, the learned analysis, and its error on a finer scale."),
            new ReportFigure(errors,
                "Error of the analysis: (a) while the methods find the truth, cycle by cycle, and (b) over the whole test (running means " +
                    "over 50 cycles), each the mean over the test's trajectories."),
            new ReportFigure(training,
                "Training: square root of the loss (a mean over 16 cycles of 64 trajectories, running mean over 20 steps) and the error " +
                    "on held-out trajectories. The weights of the best validation are kept."),
            new ReportHeading("Settings"),
            new ReportSettings(result.Settings),
        ]));
    }
}

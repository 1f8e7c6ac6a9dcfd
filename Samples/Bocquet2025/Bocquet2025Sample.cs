namespace DaML.Samples;

/// <summary>
/// Bocquet, Finn, Cheng and Farchi (2025), "Elucidating the performance of data assimilation neural networks for chaotic
/// dynamics": learned analyses in ever stronger nonlinearity beside ensemble methods, and what they have learned.
/// </summary>
/// <param name="plan">What is measured and at which length; null = by the size asked for.</param>
public sealed class Bocquet2025Sample(Bocquet2025Plan? plan = null) : ISample
{
    /// <inheritdoc/>
    public string Name => "bocquet2025";

    /// <inheritdoc/>
    public string Summary => "Learned analyses under strong nonlinearity, and why they work: sweeps of update step and forcing, gain patterns, scaling laws.";

    /// <inheritdoc/>
    public string Details => """
        Sweeps the time between updates (0.05 to 1.4) and the forcing of the Lorenz-96 model (40 sites, all observed, R = I) with
        EnKF-N, IEnKF-N and learned analyses (Bocquet et al. 2025).
        Writes report.html and the figures as SVG. Ctrl-C keeps what is measured; --resume goes on with the rest.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 15;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var chosen = plan ?? new();
        var experiments = new Bocquet2025Experiments(chosen, TimeSpan.FromMinutes(run.Options.Minutes!.Value), run.Options.Device == "cpu" ? Environment.ProcessorCount : 1);
        var runner = new PartRunner(run, FormattableString.Invariant($"seed {run.Options.Seed}, {run.Options.Device}, {run.Options.Size.ToString().ToLowerInvariant()} size"));
        experiments.Complete(run.Track(progress => runner.Run(experiments.Parts, new PartsOnly(progress))));

        ReportTable[] tables =
        [
            experiments.UpdateSteps.Table("Test RMSE over the update step, F = 8", "Δt"),
            experiments.Forcings.Table("Test RMSE over the forcing, Δt = 0.05", "F"),
        ];
        foreach (var table in tables) run.Show(table);
        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed,
            ["device"] = run.Options.Device,
            ["size"] = run.Options.Size.ToString().ToLowerInvariant(),
            ["minutes"] = run.Options.Minutes!.Value,
        };
        run.Write(new HtmlReport("Learned analyses under strong nonlinearity",
        [
            tables[0],
            new ReportFigure(run.Write(experiments.UpdateSteps.Chart(new Axis("Δt")), "update-step"), "As figure 3 of the paper."),
            tables[1],
            new ReportFigure(run.Write(experiments.Forcings.Chart(new Axis("F")), "forcing"), "As figure 5 of the paper."),
            new ReportHeading("Settings"),
            new ReportSettings(settings),
        ]));
        return new SampleResult(settings, new Dictionary<string, double>())
        {
            Sweeps = new Dictionary<string, IReadOnlyList<SweepPoint>> { ["sweep.dt"] = experiments.UpdateSteps.Points(), ["sweep.F"] = experiments.Forcings.Points() },
        };
    }

    // How many parts are done; a bar for each of a hundred parts would be no display.
    private sealed class PartsOnly(IProgress<ProgressReport> progress) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport report)
        {
            if (report.Activity == "parts") progress.Report(report);
        }
    }
}

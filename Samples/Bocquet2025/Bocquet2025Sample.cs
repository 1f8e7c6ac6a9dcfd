using System.Diagnostics;

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
    public string Summary =>
        "Learned analyses under strong nonlinearity, and why they work: sweeps of update step and forcing, gain patterns, scaling laws.";

    /// <inheritdoc/>
    public string Details => """
        The Lorenz-96 model (40 sites, all observed, R = I) under ever stronger nonlinearity: the time between updates from 0.05
        to 1.4 and the forcing from 4 to 16, with EnKF-N and IEnKF-N (40 members), learned analyses, and learned analyses that do
        not see the forecast, have no activations or are linear in the innovation. Then why they work: how increments grow with the
        innovation, mean marginal gains for 40 and 80 sites and for sparse networks, what training depends on.
        --quick takes about 17 minutes on two idle cores with networks of 5,600 parameters, each but the first of a sweep starting from
        its neighbour's weights; --full takes the paper's settings and wants a GPU for days.
        Writes report.html and the figures as SVG. Ctrl-C keeps every point that is measured; --resume continues with the rest.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 24;

    /// <inheritdoc/>
    public double? FullTrainingMinutes => 5 * 24 * 60;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var chosen = plan ?? (run.Options.Size == SampleSize.Full ? Bocquet2025Plan.Full : Bocquet2025Plan.Quick);
        string size = run.Options.Size.ToString().ToLowerInvariant();
        var experiments = new Bocquet2025Experiments(chosen, TimeSpan.FromMinutes(run.Options.Minutes!.Value), run.Options.Device == "cpu"
            ? Environment.ProcessorCount : 1);
        var runner = new PartRunner(run, FormattableString.Invariant($"seed {run.Options.Seed}, {run.Options.Device}, {size} size"));
        var watch = Stopwatch.StartNew();
        experiments.Complete(run.Track(progress => runner.Run(experiments.Parts, new PartsOnly(progress))));

        var report = new Bocquet2025Report(chosen, experiments);
        foreach (var table in report.Tables) run.Show(table);
        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed,
            ["device"] = run.Options.Device,
            ["size"] = size,
            ["minutes"] = run.Options.Minutes!.Value,
            ["members"] = chosen.Members,
            ["network"] = $"{chosen.Network.Filters} filters, {chosen.Network.Blocks} x {chosen.Network.SubBlocks}, with alpha",
            ["training.first_steps"] = chosen.First.Steps,
            ["training.next_steps"] = chosen.Next.Steps,
            ["training.batch"] = chosen.Batch,
            ["training.warm_starts"] = chosen.WarmStarts,
            ["test.trajectories"] = chosen.TestTrajectories,
            ["test.cycles"] = chosen.TestCycles,
        };
        report.Write(run, Details.ReplaceLineEndings(" "), settings);
        var metrics = report.Metrics;
        metrics.Add("seconds", watch.Elapsed.TotalSeconds);
        return new SampleResult(settings, metrics)
        {
            Sweeps = new Dictionary<string, IReadOnlyList<SweepPoint>>
                { ["sweep.dt"] = experiments.UpdateSteps.Points(), ["sweep.F"] = experiments.Forcings.Points() },
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

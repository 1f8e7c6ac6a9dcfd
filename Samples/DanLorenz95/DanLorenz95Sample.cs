using System.Globalization;
namespace DaML.Samples;

/// <summary>
/// Boudier, Fillion, Gratton and Gürol, "DAN - An optimal Data Assimilation framework based on machine learning Recurrent
/// Networks": analyzer, propagater and procoder learned at once from trajectories and observations alone.
/// </summary>
/// <param name="plan">Sizes and lengths; null = by the size asked for.</param>
public sealed class DanLorenz95Sample(DanLorenz95Plan? plan = null) : ISample
{
    /// <inheritdoc/>
    public string Name => "dan-lorenz95";

    /// <inheritdoc/>
    public string Summary =>
        "Learns analyzer, propagater and procoder at once, beside the Kalman, particle and ensemble filters (Boudier et al.).";

    /// <inheritdoc/>
    public string Details => $"""
        Data assimilation networks, which know neither the model nor the observation operator: (a) on linear-Gaussian
        systems, where theorem 4.1 says that the optimum is the Kalman filter; (b) on Lorenz-63 beside a particle filter of {new
        DanLorenz95Plan().Particles:N0}; (c) on Lorenz-95 with 40 sites and model noise, by truncated back-propagation in stages
        and by direct optimisation, which overfits, beside IEnKF-Q and EnKF-N with 20 members; and the error over the memory's
        size, of networks and filters. Writes report.html and the figures as SVG. Ctrl-C keeps what is finished; --resume goes on
        with the rest.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 12;

    /// <inheritdoc/>
    public double? FullTrainingMinutes => 24 * 60;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var chosen = plan ?? (run.Options.Size == SampleSize.Full ? DanLorenz95Plan.Full : new());
        var parts = new DanParts(chosen, TimeSpan.FromMinutes(run.Options.Minutes!.Value), run.Options.Device == "cpu"
            ? Environment.ProcessorCount : 1);
        var runner = new PartRunner(run,
            string.Create(CultureInfo.InvariantCulture, $"seed {run.Options.Seed}, {run.Options.Device}, " +
                $"{run.Options.Size.ToString().ToLowerInvariant()} size, {run.Options.Minutes} minutes"));
        var results = new DanResults(chosen, run.Track(progress => runner.Run(parts.All, progress)));

        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed,
            ["device"] = run.Options.Device,
            ["size"] = run.Options.Size.ToString().ToLowerInvariant(),
            ["minutes"] = run.Options.Minutes.Value,
            ["lorenz95.memory"] = chosen.Lorenz95.Network.MemorySize,
            ["lorenz95.layers"] = chosen.Lorenz95.Network.Layers,
            ["lorenz95.density"] = chosen.Lorenz95.Network.Density.Kind.ToString().ToLowerInvariant(),
            ["lorenz95.batch"] = chosen.Lorenz95.Batch,
            ["lorenz95.truncation"] = chosen.Lorenz95.Training.Truncation,
            ["test.trajectories"] = chosen.TestTrajectories,
            ["test.cycles"] = chosen.TestCycles,
        };
        var tables = results.Tables();
        foreach (var table in tables) run.Show(table);
        run.Write(new HtmlReport("Data assimilation networks",
        [
            new ReportParagraph(
                "Analyzer, propagater and procoder are networks over a memory, learned together to make the cross-entropy of prior and " +
                    "posterior small (Boudier et al. eq. 4.3). They know neither the model nor the observation operator."),
            .. tables,
            new ReportFigure(run.Write(results.Truncated(), "truncated"),
                "Lorenz-95, truncated back-propagation (figure 4 of the paper): cost in training and on held-out trajectories over the " +
                    "optimiser steps of all stages; cross-entropy of prior and posterior cycle by cycle in a test from an empty memory; " +
                        "and the posterior error there, with the weights after each stage."),
            new ReportFigure(run.Write(results.Direct(), "direct"),
                "Lorenz-95, direct optimisation over the same cycles again and again (figure 3 of the paper): the networks overfit and " +
                    "fail on other trajectories."),
            new ReportFigure(run.Write(results.Memory(), "memory"),
                "Lorenz-63: posterior error over the numbers a method remembers, m for networks and 3 N for EnKF-N with N members."),
            new ReportFigure(run.Write(results.Depth(), "depth"),
                "What the graph of an optimiser step holds, over the cycles it goes through: direct optimisation holds all of them, " +
                    "truncated back-propagation only its few, whatever the trajectories' length. That is the paper's reason to " +
                    "truncate."),
            new ReportHeading("Settings"),
            new ReportSettings(settings),
        ]));
        runner.Clear();
        return new SampleResult(settings, results.Metrics());
    }
}

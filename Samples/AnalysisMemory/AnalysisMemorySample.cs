using System.Globalization;

namespace DaML.Samples;

/// <summary>
/// Does a memory pay? A network that sees one forecast state against one that also carries hidden channels from analysis to
/// analysis, at the same training time, the same number of steps and the same number of parameters, and what a cycle of each
/// costs beside ensemble filters.
/// </summary>
/// <param name="seeds">Number of trainings of each kind in the quick size.</param>
/// <param name="burnIn">Test cycles that are not scored.</param>
/// <param name="cycles">Test cycles that are scored, of each of the test's trajectories.</param>
/// <param name="costRounds">How often each cost is measured.</param>
public sealed class AnalysisMemorySample(int seeds = 3, long burnIn = 200, long cycles = 1000, int costRounds = 5) : ISample
{
    private const string Pretrained = "--pretrained";
    private const string Learned = "learned", SameSteps = "learned.same_steps", SameParameters = "learned.same_parameters",
        WithMemory = "learned_memory";
    private const long FullBatch = 16;
    private const int CostSteps = 24, Validations = 20, TestTrajectories = 16;

    /// <inheritdoc/>
    public string Name => "analysis-memory";

    /// <inheritdoc/>
    public string Summary => "A learned analysis with a memory of hidden channels against one without, and what each costs.";

    /// <inheritdoc/>
    public string Details => $"""
        The forecast state alone does not tell how uncertain it is. A network that writes hidden channels for its own next analysis
        is trained beside the same network without, for {seeds} seeds: at the same training time, at the same number of steps, and with
        as many parameters. Training time is counted in steps by the cost of a step, measured side by side before.
        The cost of a cycle of learned and ensemble analyses is measured side by side too.
        --full trains one network of the publications' reference size (40 filters, 5 x 5) with 12 channels for --minutes, keeps a
        checkpoint in the output folder and continues it with --resume; its model is learned-memory.daml. It starts from the network
        without a memory that comes with the project. {Pretrained} scores one that was trained so.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 9;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSetting> Settings =>
    [
        new("--interval", "TIME", "The time from one observation to the next, a multiple of 0.05 (default 0.05)."),
        new(Pretrained, "WEIGHTS",
            "Score weights of a network with a memory instead of training: those of the project, or others by name or path (without " +
                "extension).") { ValueOptional = true },
    ];

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        double interval = run.Options.Settings.TryGetValue("--interval", out string? given) ? Interval(given) : 0.05;
        if (run.Options.Settings.TryGetValue(Pretrained, out string? weights))
            return Reference(run, interval, ShippedWeights.Find(ResidualConvolutionNetwork.MemoryType, weights, Pretrained));
        return run.Options.Size == SampleSize.Full ? Reference(run, interval, null) : Quick(run, interval);
    }

    // One kind of training: its metric, its name, the network and the memory, and how it is trained.
    private sealed record Kind(string Metric, string Name, ResidualConvolutionOptions Size, HiddenChannelOptions? Memory);

    private SampleResult Quick(SampleRun run, double interval)
    {
        if (run.Options.Resume)
            throw new SampleException("--resume continues the one long training of --full; the quick size has many short ones.");
        Kind[] kinds =
        [
            new(Learned, "plain, same training time", new(), null),
            new(SameSteps, "plain, same number of steps", new(), null),
            new(SameParameters, "plain, 18 filters, same training time", new() { Filters = 18 }, null),
            new(WithMemory, "6 hidden channels", new(), new()),
        ];
        var (stepSeconds, steps) = Budget(run, interval, kinds);
        var trained = kinds.ToDictionary(kind => kind.Metric, _ => new List<TrainedAnalysis>());
        var rmse = kinds.ToDictionary(kind => kind.Metric, _ => new List<double>());
        var metrics = new Dictionary<string, double>();
        for (int s = 0; s < seeds; s++)
        {
            long seed = run.Options.Seed + s;
            foreach (var kind in kinds)
                run.Track(progress =>
                {
                    var experiment = new MemoryExperiment(run.ContextOptions(progress) with { Seed = seed }, interval);
                    var analysis = experiment.Train(kind.Size, kind.Memory, Training(steps[kind.Metric]), run.Cancellation);
                    trained[kind.Metric].Add(analysis);
                    rmse[kind.Metric]
                        .Add(experiment.Rmse(analysis.Method, experiment.Test(TestTrajectories, burnIn + cycles), burnIn,
                            run.Cancellation));
                    return metrics[$"rmse.{kind.Metric}.seed{seed}"] = rmse[kind.Metric][^1];
                });
        }

        var first = new MemoryExperiment(run.ContextOptions(), interval);
        var ensembles = run.Track(progress => Ensembles(new MemoryExperiment(run.ContextOptions(progress), interval), run.Cancellation));
        var costs = run.Track(_ =>
            Costs(first, kinds.Where(kind => kind.Metric != SameSteps).Select(kind => (kind.Metric, trained[kind.Metric][0].Method)),
                run.Cancellation));
        foreach (var kind in kinds) metrics[$"rmse.{kind.Metric}"] = Median.Of(rmse[kind.Metric]);
        foreach (var (key, error) in ensembles) metrics[$"rmse.{key}"] = error;
        foreach (var (key, (alone,
            many)) in costs) (metrics[$"cost.{key}"], metrics[$"cost.batch.{key}"]) = (alone / costs[Learned].Alone,
                many / costs[Learned].Many);
        metrics["cost.step.learned_memory"] = stepSeconds[WithMemory] / stepSeconds[Learned];

        string Cost(string key, string metric) => costs.ContainsKey(key) ? SampleRun.Number(metrics[metric + key], 2) : "as plain";
        var table = new ReportTable(
            string.Create(CultureInfo.InvariantCulture,
                $"Median analysis RMSE of {seeds} seeds, a cycle's cost relative to the plain network's"),
            ["method", "parameters", "steps", "RMSE", "each seed", "cost, one trajectory", "cost, 16"],
            [
                .. kinds.Select(kind =>
                    (string[])[kind.Name, Whole(trained[kind.Metric][0].Parameters), Whole(steps[kind.Metric]),
                        SampleRun.Number(metrics[$"rmse.{kind.Metric}"], 4),
                    string.Join(" ", rmse[kind.Metric].Select(value => SampleRun.Number(value, 4))), Cost(kind.Metric, "cost."),
                    Cost(kind.Metric, "cost.batch.")]),
                .. ensembles.Keys.Select(key =>
                    (string[])[MemoryExperiment.NameOf(key), "", "", SampleRun.Number(ensembles[key], 4), "", Cost(key, "cost."),
                        Cost(key, "cost.batch.")]),
            ]);
        run.Show(table);
        run.Say(Verdict(rmse));
        var curves =
            run.Write(MemoryFigures.Curves(
                [.. kinds.Select(kind =>
                    (kind.Name, (IReadOnlyList<TrainingHistory>)[.. trained[kind.Metric].Select(one => one.History)],
                        stepSeconds[kind.Metric]))]), "curves");
        var settings = new Dictionary<string, object>
            { ["model"] = "Lorenz-96, 40 sites, F = 8", ["interval"] = interval, ["seeds"] = seeds, ["test.cycles"] = cycles,
                ["test.trajectories"] = TestTrajectories };
        foreach (var kind in kinds) settings[$"steps.{kind.Metric}"] = steps[kind.Metric];
        run.Write(new HtmlReport("A learned analysis with a memory",
        [
            new ReportParagraph(
                "A network that corrects the forecast from one state, and the same network with six hidden channels that it writes for " +
                    "its own next analysis; each trained for several seeds on the same trajectories and scored on the same test."),
            table,
            new ReportParagraph(Verdict(rmse)),
            new ReportFigure(curves,
                "The error on held-out trajectories while the networks are trained (median over the seeds): by optimiser steps and by " +
                    "training time."),
            new ReportHeading("Settings"),
            new ReportSettings(settings),
        ]));
        return new SampleResult(settings, metrics);
    }

    // Seconds of a step of each kind, and steps for each so that the training time asked for is spent and shared as the kinds say.
    private (Dictionary<string, double> StepSeconds, Dictionary<string, long> Steps) Budget(SampleRun run, double interval, Kind[] kinds)
    {
        var measured = run.Track(progress => CostMeasurement.OfSteps([.. kinds.Select(kind => (Func<TrainingHistory>)(() =>
            new MemoryExperiment(run.ContextOptions(), interval)
                .Train(kind.Size, kind.Memory,
                    Training(CostSteps) with { ValidationInterval = CostSteps, ValidationCycles = 1, ValidationBurnIn = 0 },
                    run.Cancellation).History))], costRounds));
        var seconds = kinds.Zip(measured).ToDictionary(pair => pair.First.Metric, pair => pair.Second);
        // A fiftieth is for validation.
        long steps = Math.Max(4, (long)(0.98 * run.Options.Minutes!.Value * 60 / (seeds * (3 * seconds[WithMemory] + seconds[Learned]))));
        return (seconds,
            kinds.ToDictionary(kind => kind.Metric, kind => kind.Metric == SameSteps ? steps
                : (long)Math.Round(steps * seconds[WithMemory] / seconds[kind.Metric])));
    }

    private static TrainingOptions Training(long steps) =>
        new() { Steps = steps, ValidationInterval = Math.Max(1, steps / Validations), ValidationCycles = 100, Patience = long.MaxValue };

    // One network of the reference size, trained or read.
    private SampleResult Reference(SampleRun run, double interval, ShippedWeights? weights)
    {
        if (weights is not null && run.Options.Resume)
            throw new SampleException($"--resume continues a training; {Pretrained} does no training.");
        var memory = weights?.Memory ?? new HiddenChannelOptions { Count = 12 };
        var (experiment, analysis, error) = run.Track(progress =>
        {
            var setup = new MemoryExperiment(run.ContextOptions(progress), interval, FullBatch);
            var one = weights is null ? TrainReference(run, setup, memory) : setup.Pretrained(weights);
            return (setup, one, setup.Rmse(one.Method, setup.Test(TestTrajectories, burnIn + cycles), burnIn, CancellationToken.None));
        });
        var ensembles = run.Track(progress =>
            Ensembles(new MemoryExperiment(run.ContextOptions(progress), interval), CancellationToken.None));
        var costs = run.Track(_ => Costs(experiment, [(WithMemory, analysis.Method)], CancellationToken.None));
        var last = analysis.History.Steps[^1];
        var metrics = new Dictionary<string, double>
            { ["rmse.learned_memory"] = error, ["training.steps"] = last.Step, ["seconds.training"] = last.Seconds };
        foreach (var (key, value) in ensembles) metrics[$"rmse.{key}"] = value;
        foreach (var (key, (alone,
            many)) in costs) (metrics[$"cost.{key}"], metrics[$"cost.batch.{key}"]) = (alone / costs[WithMemory].Alone,
                many / costs[WithMemory].Many);
        var table = new ReportTable("Analysis RMSE, a cycle's cost relative to the learned one's",
            ["method", "parameters", "steps", "RMSE", "cost, one trajectory", "cost, 16"],
        [
            [$"reference network, {memory.Count} hidden channels", Whole(analysis.Parameters), Whole(last.Step), SampleRun.Number(error, 4),
                "1.00", "1.00"],
            ["reference network without memory (published)", "203,641", "", "0.19-0.20", "", ""],
            .. ensembles.Keys.Select(key =>
                (string[])[MemoryExperiment.NameOf(key), "", "", SampleRun.Number(ensembles[key], 4),
                    SampleRun.Number(metrics["cost." + key], 2), SampleRun.Number(metrics["cost.batch." + key], 2)]),
        ]);
        run.Show(table);
        var settings = new Dictionary<string, object>
        {
            ["model"] = "Lorenz-96, 40 sites, F = 8", ["interval"] = interval, ["channels"] = memory.Count,
            ["update"] = memory.Update.ToString(), ["transport"] = memory.Transport.ToString(),
            ["network.parameters"] = analysis.Parameters, ["training.ended"] = analysis.History.End.ToString(), ["test.cycles"] = cycles,
            ["test.trajectories"] = TestTrajectories,
        };
        var curves =
            run.Write(MemoryFigures.Curves(
                [($"reference network, {memory.Count} hidden channels", [analysis.History], last.Seconds / last.Step)]), "curves");
        run.Write(new HtmlReport("A learned analysis with a memory, reference size",
            [table, new ReportFigure(curves, "The error on held-out trajectories."), new ReportHeading("Settings"),
                new ReportSettings(settings)]));
        return new SampleResult(settings, metrics);
    }

    private static TrainedAnalysis TrainReference(SampleRun run, MemoryExperiment experiment, HiddenChannelOptions memory)
    {
        string checkpoint = run.Checkpoint();
        var training = new TrainingOptions
        {
            Steps = 1_000_000, MaximumDuration = TimeSpan.FromMinutes(run.Options.Minutes!.Value), LearningRate = 1e-3, WarmUpSteps = 200,
            KeepsNormalisation = true,
            ValidationInterval = 1000, ValidationCycles = 300, Patience = long.MaxValue, CheckpointPath = checkpoint,
        };
        var analysis = experiment.TrainFrom(ShippedWeights.Find(ResidualConvolutionNetwork.Type, "", "--full"), memory, training,
            run.Cancellation);
        experiment.Context.Model.Save(analysis.Method, run.OutputFile("learned-memory.daml"));
        if (analysis.History.End != TrainingEnd.Cancelled) File.Delete(checkpoint);
        return analysis;
    }

    private Dictionary<string, double> Ensembles(MemoryExperiment experiment, CancellationToken cancellation) =>
        experiment.Ensembles()
            .ToDictionary(method => method.Key,
                method => experiment.Rmse(method.Value, experiment.Test(TestTrajectories, burnIn + cycles), burnIn, cancellation));

    // Seconds of a cycle for one trajectory alone and for a batch of them.
    private Dictionary<string, (double Alone, double Many)> Costs(MemoryExperiment experiment,
        IEnumerable<(string Key, ITransformer Method)> learned, CancellationToken cancellation)
    {
        var methods = learned.Concat(experiment.Ensembles().Select(method => (Key: method.Key, Method: method.Value))).ToList();
        double[] Of(long batch) =>
            CostMeasurement.OfCycles([.. methods.Select(method => method.Method)],
                experiment.Test(batch, Math.Min(500, cycles)).Materialise([Columns.Observation], cancellation: cancellation), costRounds,
                cancellation);
        return methods.Zip(Of(1), Of(TestTrajectories)).ToDictionary(row => row.First.Key, row => (row.Second, row.Third));
    }

    private string Verdict(Dictionary<string, List<double>> rmse) => string.Create(CultureInfo.InvariantCulture,
        $"At the same training time the memory takes the median error from {Median.Of(rmse[Learned]):f4} to " +
            $"{Median.Of(rmse[WithMemory]):f4} ({100 * (Median.Of(rmse[WithMemory]) / Median.Of(rmse[Learned]) - 1):+0.0;-0.0} %); it " +
                $"is the better one for {rmse[WithMemory].Zip(rmse[Learned]).Count(pair => pair.First < pair.Second)} of {seeds} seeds.");

    private static string Whole(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static double Interval(string given) =>
        double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 0 and <= 10
        && Math.Abs(value / 0.05 - Math.Round(value / 0.05)) < 1e-9 ? value
        : throw new SampleException($"--interval must be a multiple of 0.05 above zero and at most 10; given: '{given}'.");
}

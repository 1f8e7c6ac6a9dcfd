namespace DaML.Samples;

/// <summary>A network that is to be trained and scored.</summary>
/// <param name="Part">The name of its part.</param>
/// <param name="Method">The method.</param>
/// <param name="Setting">Model and observations it is trained and tested with.</param>
/// <param name="Truncation">N_iter</param>
internal sealed record LearnedRequest(string Part, LearnedMethod Method, Func<DataAssimilationContext, TwinSetting> Setting,
    long Truncation)
{
    /// <summary>The part whose network's weights it begins with; null to draw them.</summary>
    public string? WarmStart { get; init; }

    /// <summary>Optimiser steps, learning rate and share of the time; null = the plan's for drawn weights, or for a warm start.</summary>
    public TrainingEffort? Effort { get; init; }

    /// <summary>What one of its steps costs, one of the plan's being 1: its training has as many times their share of the time.</summary>
    public double Cost { get; init; } = 1;

    /// <summary>Trajectories in a batch S_b; null = the plan's.</summary>
    public long? Batch { get; init; }

    /// <summary>The further measurements of the trained method; by default none.</summary>
    public Func<PartRun, TwinSetting, SequentialAssimilation<StateMemory>, IReadOnlyDictionary<string, double[]>>? Diagnose { get; init; }
}

/// <summary>Parts that train a network, score it over a test and put diagnostics on it.</summary>
internal sealed class LearnedParts
{
    /// <summary>The figure that is one where a training took all its steps, and zero where its time was up before.</summary>
    public const string Complete = "training.complete";

    private readonly Bocquet2025Plan plan;
    private readonly double secondsPerEffort;

    /// <summary>Shares out the time there is for training.</summary>
    /// <param name="plan">Sizes.</param>
    /// <param name="requests">All trainings.</param>
    /// <param name="time">How long all trainings together may take, side by side.</param>
    /// <param name="sideBySide">How many run at once.</param>
    public LearnedParts(Bocquet2025Plan plan, IReadOnlyList<LearnedRequest> requests, TimeSpan time, int sideBySide)
    {
        this.plan = plan;
        secondsPerEffort = time.TotalSeconds * sideBySide / requests.Sum(Share);
        All = [.. requests.Select(Part)];
    }

    /// <summary>The parts, in the order of the requests.</summary>
    public IReadOnlyList<SamplePart> All { get; }

    private TrainingEffort EffortOf(LearnedRequest request) => request.Effort ?? (request.WarmStart is null ? plan.First : plan.Next);

    private double Share(LearnedRequest request) => EffortOf(request).Effort * request.Cost;

    private long StepsOf(LearnedRequest request) => EffortOf(request).Steps;

    private SamplePart Part(LearnedRequest request) =>
        new(request.Part, run => Measure(run, request)) { After = request.WarmStart is null ? [] : [request.WarmStart] };

    private Dictionary<string, double[]> Measure(PartRun run, LearnedRequest request)
    {
        var setting = request.Setting(run.Context);
        string name = request.Part.Replace(' ', '-');
        var course = new Dictionary<string, double[]>();
        try { course = new(Learn(run, request, setting, name)); }
        catch (DivergenceException) { return Sweep.Lost(plan.TestTrajectories); }    // it never learned to follow the truth

        var analyzer = (LearnedAnalyzer<StateMemory>)run.Read<SequentialAssimilation<StateMemory>>(name).Triple.Analyzer;
        var method = setting.Learned(request.Method.Name, analyzer.Network);
        var figures = Sweep.Score(run, method, setting.Test("test", plan.TestTrajectories, plan.BurnIn + plan.TestCycles), plan.BurnIn);
        foreach (var (key, values) in course) figures.Add("training." + key, values);
        figures.Add(Complete, [course["steps"][0] >= StepsOf(request) ? 1 : 0]);
        if (request.Diagnose is not null && double.IsFinite(figures["rmse"][0]))
            foreach (var (key, values) in request.Diagnose(run, setting, method)) figures.Add(key, values);
        return figures;
    }

    private IReadOnlyDictionary<string, double[]> Learn(PartRun run, LearnedRequest request, TwinSetting setting, string name)
    {
        string? before = request.WarmStart?.Replace(' ', '-');
        bool isWarm = before is not null && File.Exists(run.ModelFile(before));    // not if the neighbour diverged
        var effort = request.Effort ?? (isWarm ? plan.Next : plan.First);
        var first = isWarm
            ? ((LearnedAnalyzer<StateMemory>)run.Read<SequentialAssimilation<StateMemory>>(before!).Triple.Analyzer).Network : null;
        return run.Learn(name, checkpoint => request.Method.Estimator(name, setting, new TrainingOptions
        {
            Steps = effort.Steps, LearningRate = effort.LearningRate, Truncation = request.Truncation,
            ValidationInterval = Math.Max(1, effort.Steps / 4),
            MaximumDuration = TimeSpan.FromSeconds(Share(request) * secondsPerEffort), CheckpointPath = checkpoint,
        }, first), setting.Endless("training", request.Batch ?? plan.Batch), setting.Endless("validation", plan.ValidationTrajectories),
            learned => ((LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer).History!);
    }
}

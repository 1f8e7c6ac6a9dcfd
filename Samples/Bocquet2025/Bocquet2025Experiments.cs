namespace DaML.Samples;

/// <summary>All that is to be measured, made from a plan, and what it gave.</summary>
internal sealed class Bocquet2025Experiments
{
    private readonly Bocquet2025Plan plan;
    private readonly Sweep updateStep, forcing;
    private IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures =
        new Dictionary<string, IReadOnlyDictionary<string, double[]>>();

    /// <summary>Makes the parts.</summary>
    /// <param name="plan">Values and sizes.</param>
    /// <param name="training">How long all trainings together may take.</param>
    /// <param name="sideBySide">How many parts run at once.</param>
    public Bocquet2025Experiments(Bocquet2025Plan plan, TimeSpan training, int sideBySide)
    {
        this.plan = plan;
        updateStep = new Sweep(Varied.UpdateStep, plan.Forcing);
        forcing = new Sweep(Varied.Forcing, plan.Intervals[0]);
        var learned = new LearnedParts(plan,
        [
            .. LearnedSweeps.AlongUpdateStep(plan, updateStep),
            .. LearnedSweeps.AlongForcing(plan, forcing, Middle),
            .. GainPatterns.Requests(plan),
            .. TrainingDependence.OnTruncation(plan, updateStep),
            .. TrainingDependence.OnData(plan, updateStep, plan.Intervals[0]),
        ], training, sideBySide);
        Parts = [.. learned.All, .. EnsembleSweeps.Parts(plan, updateStep, plan.EnsembleIntervals),
            .. EnsembleSweeps.Parts(plan, forcing, plan.EnsembleForcings)];
    }

    /// <summary>The parts, trainings first since they take longest.</summary>
    public IReadOnlyList<SamplePart> Parts { get; }

    // The network that both sweeps share: the smallest update step at the plan's forcing.
    private string Middle => updateStep.Part(plan.Intervals[0], LearnedMethod.Casual);

    /// <summary>Takes in what the parts gave.</summary>
    public void Complete(IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> measured)
    {
        figures = measured;
        UpdateSteps = LearnedMethod.AlongUpdateStep(plan)
            .Aggregate(Ensembles(updateStep, plan.EnsembleIntervals), (table, one) => table.With(one.Method.Name, one.Intervals));
        Forcings = Ensembles(forcing, plan.EnsembleForcings).With(LearnedMethod.Casual, plan.Forcings)
            .Add(LearnedMethod.Casual, plan.Forcing, Middle);
        Increments = [.. from interval in plan.Intervals let point = figures[updateStep.Part(interval, LearnedMethod.Casual)]
            where point.ContainsKey("scaling.r") select (interval, point)];
        Gains = [.. GainCase.All.Select((one, i) => (Case: one, Figures: figures[i == 0 ? Middle : one.Part]))
            .Where(one => one.Figures.ContainsKey("gain.values"))];
        Truncations = TrainingDependence.Truncations(plan, figures);
        Errors = TrainingDependence.Errors(plan, figures);
        Law = Errors.Count > ScalingLaw.Numbers ? ScalingLaw.Fit(Errors) : null;
        LawsLeavingOneOut = ScalingLaw.LeavingOneOut(Errors);
    }

    /// <summary>The sweep of the update step.</summary>
    public SweepTable UpdateSteps { get; private set; } = null!;

    /// <summary>The sweep of the forcing.</summary>
    public SweepTable Forcings { get; private set; } = null!;

    /// <summary>Scaling of increments and innovations of the casual networks that follow the truth, by update step.</summary>
    public IReadOnlyList<(double Interval, IReadOnlyDictionary<string, double[]> Figures)> Increments { get; private set; } = [];

    /// <summary>The mean marginal gains of the networks that follow the truth.</summary>
    public IReadOnlyList<(GainCase Case, IReadOnlyDictionary<string, double[]> Figures)> Gains { get; private set; } = [];

    /// <summary>The error by update step and N_iter.</summary>
    public IReadOnlyList<TruncationError> Truncations { get; private set; } = [];

    /// <summary>The errors by N_r and S_b.</summary>
    public IReadOnlyList<TrainedError> Errors { get; private set; } = [];

    /// <summary>The law fitted to them; null where too few networks follow the truth.</summary>
    public ScalingLaw? Law { get; private set; }

    /// <summary>The law without each of the errors in turn; none where they are too few.</summary>
    public IReadOnlyList<ScalingLaw> LawsLeavingOneOut { get; private set; } = [];

    private SweepTable Ensembles(Sweep sweep, IReadOnlyList<double> values) =>
        EnsembleSweeps.Methods.Aggregate(new SweepTable(sweep, figures), (table, method) => table.With(method, values));
}

namespace DaML.Samples;

/// <summary>All that is to be measured, made from a plan, and what it gave.</summary>
internal sealed class Bocquet2025Experiments
{
    private readonly Bocquet2025Plan plan;
    private readonly Sweep updateStep, forcing;
    private IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures = new Dictionary<string, IReadOnlyDictionary<string, double[]>>();

    /// <summary>Makes the parts.</summary>
    /// <param name="plan">Values and sizes.</param>
    /// <param name="training">How long all trainings together may take.</param>
    /// <param name="sideBySide">How many parts run at once.</param>
    public Bocquet2025Experiments(Bocquet2025Plan plan, TimeSpan training, int sideBySide)
    {
        this.plan = plan;
        updateStep = new Sweep(Varied.UpdateStep, plan.Forcing);
        forcing = new Sweep(Varied.Forcing, plan.Intervals[0]);
        var learned = new LearnedParts(plan, [.. LearnedSweeps.AlongUpdateStep(plan, updateStep), .. LearnedSweeps.AlongForcing(plan, forcing, Middle)], training, sideBySide);
        Parts = [.. learned.All, .. EnsembleSweeps.Parts(plan, updateStep, plan.EnsembleIntervals), .. EnsembleSweeps.Parts(plan, forcing, plan.EnsembleForcings)];
    }

    /// <summary>The parts, trainings first since they take longest.</summary>
    public IReadOnlyList<SamplePart> Parts { get; }

    // The network that both sweeps share: the smallest update step at the plan's forcing.
    private string Middle => updateStep.Part(plan.Intervals[0], LearnedMethod.Casual);

    /// <summary>Takes in what the parts gave.</summary>
    public void Complete(IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> measured) => figures = measured;

    /// <summary>The sweep of the update step.</summary>
    public SweepTable UpdateSteps => EnsembleSweeps.Methods.Aggregate(new SweepTable(updateStep, figures), (table, method) => table.With(method, plan.EnsembleIntervals))
        .With(LearnedMethod.Casual, plan.Intervals);

    /// <summary>The sweep of the forcing.</summary>
    public SweepTable Forcings => EnsembleSweeps.Methods.Aggregate(new SweepTable(forcing, figures), (table, method) => table.With(method, plan.EnsembleForcings))
        .With(LearnedMethod.Casual, plan.Forcings).Add(LearnedMethod.Casual, plan.Forcing, Middle);
}

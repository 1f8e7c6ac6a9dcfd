using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>What the runs of all sequential methods share, whatever their memory: one cycle at a time, and a state to save.</summary>
internal interface IStepwiseRun : ITrajectoryCursor
{
    /// <summary>The time of the memory, in the model's unit: of the latest analysis, or of the start.</summary>
    double MemoryTime { get; }

    /// <summary>The model's time step nearest to a time.</summary>
    /// <exception cref="ArgumentException">The time is further from a step than the context's tolerance.</exception>
    double OnStep(double time);

    /// <summary>Mean and standard deviation, <c>[batch, n]</c>, at a later time without further observations, in the caller's dispose
    /// scope. The spread is null for a method that gives a single state.</summary>
    (Tensor Mean, Tensor? Spread) PredictState(double time);

    /// <summary>Writes what the run carries to its next cycle.</summary>
    void Save(ComponentWriter writer);

    /// <summary>Continues, before the first cycle of one trajectory, with what <see cref="Save"/> wrote.</summary>
    void Restore(ComponentReader reader);
}

/// <summary>What all sequential methods share, whatever their memory.</summary>
internal interface ISequentialAssimilation : ITransformer
{
    /// <summary>n</summary>
    long StateDimension { get; }

    /// <summary>p</summary>
    long ObservationDimension { get; }

    /// <summary>Seed, device, precision, logger and progress.</summary>
    DataAssimilationContext Context { get; }

    /// <summary>H and R, if the method was made for a system; null otherwise.</summary>
    IObservationNetwork? Network { get; }

    /// <summary>The time between observations, in the model's unit, if the method was made for a system; null otherwise.</summary>
    double? Interval { get; }

    /// <summary>In words, everything outside a checkpoint that its numbers depend on.</summary>
    string Identity { get; }

    /// <summary>The identity in a checkpoint as this version would write it: those of November 2026 and before say no settings.</summary>
    string Current(string saved)
    {
        const string settings = ", settings ";
        return saved.Contains(settings, StringComparison.Ordinal) ? saved
            : saved + Identity[Identity.LastIndexOf(settings, StringComparison.Ordinal)..];
    }

    /// <summary>Begins a run over a view.</summary>
    IStepwiseRun Run(ITrajectoryView input);
}

/// <summary>A cursor that gives the observations it is handed, one cycle at a time.</summary>
/// <param name="size">p</param>
internal sealed class ObservationFeed(long size) : TrajectoryCursor(null)
{
    private Tensor? values, mask;
    private double time = double.NaN;

    /// <summary>The columns of this cycle: the mask only if something is missing, as in a view that has none.</summary>
    public TrajectorySchema Schema { get; private set; } = new(1, new ColumnDefinition(Columns.Observation, size));

    /// <inheritdoc/>
    public override double Time => time;

    /// <summary>Sets the next cycle.</summary>
    /// <param name="nextValues"><c>[1, p]</c></param>
    /// <param name="nextMask"><c>[1, p]</c>, true = observed; null = all observed.</param>
    /// <param name="nextTime">The time, in the model's unit.</param>
    public void Next(Tensor nextValues, Tensor? nextMask, double nextTime)
    {
        (values, mask, time) = (nextValues, nextMask, nextTime);
        var columns = new List<ColumnDefinition> { new(Columns.Observation, size) };
        if (nextMask is not null) columns.Add(new ColumnDefinition(Columns.ObservationMask, size));
        Schema = new TrajectorySchema(1, columns);
    }

    /// <inheritdoc/>
    protected override bool Compute(long cycle)
    {
        if (values is null) return false;
        Set(Columns.Observation, values);
        if (mask is not null) Set(Columns.ObservationMask, mask);
        (values, mask) = (null, null);
        return true;
    }
}

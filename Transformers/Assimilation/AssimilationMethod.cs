using TorchSharp;

namespace DaML;

/// <summary>The settings that all sequential methods share, with their defaults.</summary>
public record SequentialAssimilationOptions
{
    /// <summary>
    /// The name of the method's random streams, so that two runs of one method can differ (default: the method's own name).
    /// </summary>
    public string? Stream { get; init; }

    /// <summary>
    /// The root-mean-square size of a state above which the method counts as diverged (default: infinite, so that only non-finite states
    /// count).
    /// </summary>
    public double DivergenceBound { get; init; } = double.PositiveInfinity;

    /// <summary>The treatment of a trajectory that diverged (default: the run stops, so that it cannot be overlooked).</summary>
    [Saved(Since = 2)]
    public DivergenceHandling DivergenceHandling { get; init; } = DivergenceHandling.Stop;

    /// <summary>
    /// A method with these settings too, for a method that runs another. This stream goes before the other's; the smaller bound counts,
    /// and a trajectory is isolated if either asks for it.
    /// </summary>
    /// <param name="inner">The method that is run.</param>
    internal TMethod ToRun<TMethod>(TMethod inner) where TMethod : SequentialAssimilationOptions => (TMethod)(inner with
    {
        Stream = Stream ?? inner.Stream, DivergenceBound = Math.Min(DivergenceBound, inner.DivergenceBound),
        DivergenceHandling = DivergenceHandling == DivergenceHandling.Stop ? inner.DivergenceHandling : DivergenceHandling,
    });
}

/// <summary>
/// An assimilation method as a record: its settings with their defaults, and the method it makes for a system. Records print and compare
/// themselves; <c>with</c> changes one setting, which suits sweeps. A method that runs another, such as a smoother its filter, runs it with
/// its own <see cref="SequentialAssimilationOptions"/> too: its stream goes before the other's, the smaller bound counts, and a trajectory
/// is isolated if either asks for it.
/// </summary>
public abstract record AssimilationMethod : SequentialAssimilationOptions
{
    /// <summary>The name of the method in messages and tables (default: null, its usual name).</summary>
    public string? Name { get; init; }

    /// <summary>Makes the method for a system. It can be applied at once unless it has to be fitted first.</summary>
    /// <param name="system">The model, its observations, and its start.</param>
    /// <param name="context">Seed, device, precision, logger and progress.</param>
    /// <exception cref="ArgumentException">A setting is out of its range, or does not fit the system.</exception>
    public abstract IEstimator<ITransformer> For(AssimilationSystem system, DataAssimilationContext context);
}

/// <summary>An assimilation method that is a triple over a memory H.</summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public abstract record AssimilationMethod<TMemory> : AssimilationMethod where TMemory : IMemory<TMemory>
{
    /// <summary>The name used when none is given.</summary>
    protected internal abstract string UsualName { get; }

    /// <summary>What the method must learn before it can be applied, for messages; null = nothing.</summary>
    protected internal virtual string? ToLearn => null;

    /// <inheritdoc/>
    public override SequentialAssimilation<TMemory> For(AssimilationSystem system, DataAssimilationContext context) =>
        new(this, system, context);

    /// <summary>
    /// Makes analyzer, propagater, procoder and source for a system. A method that must still be fitted gives ones with the same columns,
    /// which a pipeline needs when it is composed.
    /// </summary>
    protected internal abstract AssimilationTriple<TMemory> Triple(AssimilationSystem system, DataAssimilationContext context);

    /// <summary>Learns from data, and makes the fitted method. It is called if there is something to learn.</summary>
    /// <param name="system">The system.</param>
    /// <param name="data">The training data.</param>
    /// <param name="context">Seed, device, precision, logger and progress.</param>
    /// <param name="cancellation">Cancels the work.</param>
    protected internal virtual SequentialAssimilation<TMemory> Learn(AssimilationSystem system, ITrajectoryView data,
        DataAssimilationContext context, CancellationToken cancellation) => For(system, context);
}

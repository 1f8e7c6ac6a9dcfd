namespace DaML;

/// <summary>What the settings of all ensemble methods share, with its defaults.</summary>
/// <typeparam name="TMemory">The memory: an ensemble, or one within a window.</typeparam>
public abstract record EnsembleMethod<TMemory> : AssimilationMethod<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Number of members, at least two (default: 40).</summary>
    public long Members { get; init; } = 40;

    /// <summary>What is done against an overconfident ensemble (default: none).</summary>
    public Inflation Inflation { get; init; } = Inflation.None;

    /// <summary>
    /// How the members get the error of a model that has one (default: each draws its own, which serves any model and any number of
    /// members).
    /// </summary>
    public NoiseTreatment ModelError { get; init; } = NoiseTreatment.Stochastic;

    private protected EnsembleSource Source(AssimilationSystem system, DataAssimilationContext context) =>
        new(system.InitialOrUsual, Members, context.Precision);
}

/// <summary>An ensemble filter: the settings of all, and the analyzer that tells one from another.</summary>
public abstract record EnsembleFilter : EnsembleMethod<EnsembleMemory>
{
    /// <summary>The analysis of a cycle.</summary>
    /// <param name="network">What is observed.</param>
    protected internal abstract IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network);

    /// <inheritdoc/>
    protected internal override AssimilationTriple<EnsembleMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
        new(Analyzer(system.Network), new EnsemblePropagater(system.Dynamics, ModelError), new EnsembleProcoder(), Source(system, context));
}

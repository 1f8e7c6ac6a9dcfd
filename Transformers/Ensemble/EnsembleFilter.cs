namespace DaML;

/// <summary>An ensemble filter: the settings that all share, and the analyzer, by which they differ.</summary>
public abstract record EnsembleFilter : EnsembleMethod<EnsembleMemory>
{
    /// <summary>
    /// The treatment of the model's error, if the model has one (default: each member draws its own error, which suits any model and any
    /// number of members).
    /// </summary>
    public NoiseTreatment ModelError { get; init; } = NoiseTreatment.Stochastic;

    /// <summary>Makes the analyzer of the filter.</summary>
    /// <param name="network">The observation network.</param>
    protected internal abstract IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network);

    /// <inheritdoc/>
    protected internal override AssimilationTriple<EnsembleMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
        new(Analyzer(system.Network), new EnsemblePropagater(system.Dynamics, ModelError), new EnsembleProcoder(), Source(system, context));
}

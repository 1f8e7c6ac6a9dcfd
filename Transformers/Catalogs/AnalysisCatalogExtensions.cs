namespace DaML;

/// <summary>
/// The classical methods, made from <see cref="DataAssimilationContext.Analysis"/>. Each comes as an estimator with nothing
/// to learn, so that it is appended to a pipeline as a learned one is; its <c>Transformer</c> is at hand without a fit.
/// </summary>
public static partial class AnalysisCatalogExtensions
{
    internal static FittedEstimator<SequentialAssimilation<EnsembleMemory>> Ensemble(AnalysisCatalog catalog, string name, IAnalyzer<EnsembleMemory> analyzer,
        IDynamics dynamics, IObservationNetwork network, EnsembleFilterOptions options)
    {
        var triple = new AssimilationTriple<EnsembleMemory>(analyzer, new EnsemblePropagater(dynamics, options.ModelError), new EnsembleProcoder(),
            new EnsembleSource(Initial(options.Initial, dynamics), options.Members, catalog.Context.Precision));
        return Method(catalog, options.Name ?? name, triple, dynamics, network, options);
    }

    internal static IInitialCondition Initial(IInitialCondition? chosen, IDynamics dynamics)
    {
        var initial = chosen ?? dynamics.UsualInitialCondition();
        return initial.Dimension == dynamics.Dimension ? initial
            : throw new ArgumentException($"The initial condition has dimension {initial.Dimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.");
    }

    internal static FittedEstimator<SequentialAssimilation<TMemory>> Method<TMemory>(AnalysisCatalog catalog, string name, AssimilationTriple<TMemory> triple,
        IDynamics dynamics, IObservationNetwork network, AssimilationMethodOptions options) where TMemory : IMemory<TMemory>
    {
        if (network.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException($"The network observes states of dimension {network.Operator.StateDimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(network));
        return Method(catalog, name, triple, network, options);
    }

    internal static FittedEstimator<SequentialAssimilation<TMemory>> Method<TMemory>(AnalysisCatalog catalog, string name, AssimilationTriple<TMemory> triple,
        IObservationNetwork network, AssimilationMethodOptions options) where TMemory : IMemory<TMemory> =>
        new SequentialAssimilation<TMemory>(name, triple, network, catalog.Context,
            new SequentialAssimilationOptions { Stream = options.Stream, DivergenceBound = options.DivergenceBound, DivergenceHandling = options.DivergenceHandling }).AsEstimator();
}

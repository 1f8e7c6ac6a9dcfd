namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>An ensemble filter whose prior is inflated by a factor that is estimated from the innovations while it runs.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="filter">Any ensemble filter but a finite-size one, usually without an inflation of its own; its random streams stay what they are.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="settings">Settings; null = their defaults.</param>
    /// <exception cref="ArgumentException">A filter that finds its prior's inflation itself, or one for other observations.</exception>
    public static FittedEstimator<SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>>> AdaptiveInflation(this AnalysisCatalog catalog,
        FittedEstimator<SequentialAssimilation<EnsembleMemory>> filter, IObservationNetwork network, AdaptiveInflation? settings = null)
    {
        var method = filter.Transformer;
        if (network.Operator.StateDimension != method.StateDimension || network.Operator.ObservationDimension != method.ObservationDimension)
            throw new ArgumentException($"{method.Name} takes {method.ObservationDimension} observations of {method.StateDimension} components, but the network has {network.Operator.ObservationDimension} of {network.Operator.StateDimension}.", nameof(network));
        settings ??= new();
        var triple = new AssimilationTriple<ProductMemory<EnsembleMemory, VectorMemory>>(
            new AdaptiveInflationAnalyzer(method.Triple.Analyzer, network.Operator, network.Error, settings),
            new CarriedVectorPropagater<EnsembleMemory>(method.Triple.Propagater), new CarriedVectorProcoder<EnsembleMemory>(method.Triple.Procoder),
            new CarriedVectorSource<EnsembleMemory>(method.Triple.Source, [settings.Start]));
        return new SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>>(method.Name + ", adaptive inflation", triple, network, catalog.Context,
            method.Options with { Stream = method.Stream }).AsEstimator();
    }
}

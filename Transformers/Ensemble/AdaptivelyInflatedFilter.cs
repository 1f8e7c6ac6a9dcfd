namespace DaML;

/// <summary>
/// An ensemble filter whose prior is inflated by a factor that is estimated from the innovations during the run
/// (<see cref="AdaptiveInflationAnalyzer"/>). It draws from the filter's random streams unless it has a stream of its own.
/// </summary>
[Component("adaptively-inflated-filter-method", 2)]
public sealed record AdaptivelyInflatedFilter : AssimilationMethod<ProductMemory<EnsembleMemory, VectorMemory>>
{
    /// <summary>Any ensemble filter except a finite-size one, usually without its own inflation.</summary>
    public required EnsembleFilter Filter { get; init; }

    /// <summary>Settings of the estimation.</summary>
    [Inlined]
    public AdaptiveInflation Inflation { get; init; } = new();

    /// <inheritdoc/>
    protected internal override string UsualName => FilterName + ", adaptive inflation";

    /// <inheritdoc/>
    public override SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>> For(AssimilationSystem system,
        DataAssimilationContext context)
    {
        var filter = ToRun(Filter);
        return new(this with
        {
            Stream = filter.Stream ?? "assimilation/" + FilterName, DivergenceBound = filter.DivergenceBound,
            DivergenceHandling = filter.DivergenceHandling,
        }, system, context);
    }

    /// <inheritdoc/>
    protected internal override AssimilationTriple<ProductMemory<EnsembleMemory, VectorMemory>> Triple(AssimilationSystem system,
        DataAssimilationContext context)
    {
        var inner = Filter.Triple(system, context);
        return new(new AdaptiveInflationAnalyzer(inner.Analyzer, system.Network.Operator, system.Network.Error, Inflation),
            new CarriedVectorPropagater<EnsembleMemory>(inner.Propagater), new CarriedVectorProcoder<EnsembleMemory>(inner.Procoder),
            new CarriedVectorSource<EnsembleMemory>(inner.Source, [Inflation.Start]));
    }

    private string FilterName => Filter.Name ?? Filter.UsualName;
}

namespace DaML;

/// <summary>
/// An ensemble filter whose prior is inflated by a factor that is estimated from the innovations during the run
/// (<see cref="AdaptiveInflationAnalyzer"/>). Its random streams and its handling of divergence are the filter's.
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
        DataAssimilationContext context) =>
        new(this with
            { Stream = Filter.Stream
                ?? "assimilation/" + FilterName, DivergenceBound = Filter.DivergenceBound, DivergenceHandling = Filter.DivergenceHandling },
            system, context);

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

namespace DaML;

/// <summary>
/// The serial ensemble square-root filter, EnSRF, which assimilates one observation after the other
/// (<see cref="SerialSquareRootFilterAnalyzer"/>). It needs the inflation of the ensemble transform filter.
/// </summary>
[Component("serial-square-root-filter-method", 2)]
public sealed record SerialSquareRootFilter : EnsembleFilter
{
    /// <inheritdoc/>
    protected internal override string UsualName => $"serial EnSRF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new SerialSquareRootFilterAnalyzer(network.Operator, network.Error, Inflation);
}

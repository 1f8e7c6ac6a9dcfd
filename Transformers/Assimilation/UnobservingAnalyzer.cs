using TorchSharp;

namespace DaML.Components;

/// <summary>
/// Leaves every observation unused: with a model this gives its free run; with a climatology, the knowledge without model and
/// observations.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
[Component("unobserving-analyzer")]
public sealed class UnobservingAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <inheritdoc/>
    public string Name => "no observations";

    /// <inheritdoc/>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random) => forecast.Map(tensor => tensor.alias());

    /// <inheritdoc/>
    public IAnalyzer<TMemory> For(IObservationNetwork network) => this;
}

using TorchSharp;

namespace DaML.Components;

/// <summary>
/// Takes no observation into the memory: with a model, its free run; with climatology, what is known without a model and without
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

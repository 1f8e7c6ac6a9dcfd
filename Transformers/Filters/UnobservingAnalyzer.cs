using TorchSharp;

namespace DaML;

/// <summary>Takes no observation into the memory: with a model, its free run; with climatology, what is known without a model and without observations.</summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed class UnobservingAnalyzer<TMemory> : IAnalyzer<TMemory>, IComponent where TMemory : IMemory<TMemory>
{
    /// <summary>How the component is written and read; each memory has a kind of its own.</summary>
    public static ComponentType Type { get; } = new($"unobserving-analyzer({MemoryKind.Of(typeof(TMemory))})", 1, _ => new UnobservingAnalyzer<TMemory>());

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => "no observations";

    /// <inheritdoc/>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random) => forecast.Map(tensor => tensor.alias());

    /// <inheritdoc/>
    public IAnalyzer<TMemory> For(IObservationNetwork network) => this;

    void IComponent.Save(ComponentWriter writer) { }
}

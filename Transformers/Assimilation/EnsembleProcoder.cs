namespace DaML;

/// <summary>Reads an ensemble as a density: sample mean and sample covariance.</summary>
public sealed class EnsembleProcoder : IProcoder<EnsembleMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("ensemble-procoder", 1, _ => new EnsembleProcoder());

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public IDensity Decode(EnsembleMemory memory) => new EnsembleDensity(memory.Members);

    void IComponent.Save(ComponentWriter writer) { }
}

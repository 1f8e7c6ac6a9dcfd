namespace DaML;

/// <summary>Reads a mean and a covariance as the normal density they are.</summary>
public sealed class GaussianProcoder : IProcoder<GaussianMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("gaussian-procoder", 1, _ => new GaussianProcoder());

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public IDensity Decode(GaussianMemory memory) => GaussianDensity.OfRoot(memory.Mean, memory.Root);

    void IComponent.Save(ComponentWriter writer) { }
}

namespace DaML;

/// <summary>Reads weighted particles as a density.</summary>
public sealed class ParticleProcoder : IProcoder<ParticleMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("particle-procoder", 1, _ => new ParticleProcoder());

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public IDensity Decode(ParticleMemory memory) => new ParticleDensity(memory.Members, memory.LogWeights);

    void IComponent.Save(ComponentWriter writer) { }
}

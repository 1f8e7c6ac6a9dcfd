namespace DaML.Components;

/// <summary>Decodes weighted particles as a density.</summary>
[Component("particle-procoder")]
public sealed class ParticleProcoder : IProcoder<ParticleMemory>
{
    /// <inheritdoc/>
    public IDensity Decode(ParticleMemory memory) => new ParticleDensity(memory.Members, memory.LogWeights);
}

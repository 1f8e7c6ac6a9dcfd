using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts from particles drawn independently, of equal weight.</summary>
/// <param name="ensemble">What they are drawn from.</param>
public sealed class ParticleSource(EnsembleSource ensemble) : IMemorySource<ParticleMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("particle-source", 1, reader => new ParticleSource(reader.Part<EnsembleSource>("ensemble")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public ParticleMemory Start(long batch, RandomStream random)
    {
        var members = ensemble.Start(batch, random).Members;
        return new(members, full([batch, ensemble.Members], -Math.Log(ensemble.Members), dtype: members.dtype, device: members.device));
    }

    void IComponent.Save(ComponentWriter writer) => writer.Part("ensemble", ensemble);
}

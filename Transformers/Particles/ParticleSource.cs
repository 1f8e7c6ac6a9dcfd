using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The source of independently drawn particles of equal weight.</summary>
/// <param name="ensemble">The distribution of the particles.</param>
[Component("particle-source")]
public sealed class ParticleSource(EnsembleSource ensemble) : IMemorySource<ParticleMemory>
{
    /// <inheritdoc/>
    public ParticleMemory Start(long batch, RandomStream random)
    {
        var members = ensemble.Start(batch, random).Members;
        return new(members, members.new_full([batch, ensemble.Members], -Math.Log(ensemble.Members)));
    }
}

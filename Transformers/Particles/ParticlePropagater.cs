using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The physical model as the propagater of particles. If too few of a trajectory's particles count, they are first resampled by their
/// weights, and moved apart if the filter is regularised. Resampling is part of the propagater and not of the analysis, because it only
/// adds noise to the analysis.
/// </summary>
[Component("particle-propagater")]
public sealed class ParticlePropagater : IPropagater<ParticleMemory>
{
    private readonly IDynamics dynamics;
    private readonly ResamplingScheme scheme;
    private readonly double effectiveSizeRatio;
    private readonly ParticleJitter jitter;

    /// <summary>Makes a propagater.</summary>
    /// <param name="dynamics">The model; each particle gets its own draw of the model's error.</param>
    /// <param name="scheme">The resampling scheme.</param>
    /// <param name="effectiveSizeRatio">The share of the particles below which the effective size triggers resampling: between zero,
    /// never, and one, whenever the weights differ.</param>
    /// <param name="jitter">The regularisation that separates copies (default: null, none).</param>
    public ParticlePropagater(IDynamics dynamics, ResamplingScheme scheme = ResamplingScheme.Systematic, double effectiveSizeRatio = 0.5,
        [Inlined] ParticleJitter? jitter = null)
    {
        this.dynamics = dynamics;
        this.scheme = Require.Defined(scheme);
        this.effectiveSizeRatio = effectiveSizeRatio is >= 0 and <= 1 ? effectiveSizeRatio
            : throw new ArgumentOutOfRangeException(nameof(effectiveSizeRatio), effectiveSizeRatio,
                "The effective fraction of the particles below which they are resampled must be between zero (never) and one (always); " +
                $"given: {effectiveSizeRatio}.");
        this.jitter = jitter ?? ParticleJitter.None;
    }

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => dynamics.Name;

    /// <inheritdoc/>
    public ParticleMemory Propagate(ParticleMemory analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var resampled = Resample(analysis, random);
        var members = dynamics.AdvanceWithModelError(resampled.Members, interval, random);
        return new(members.MoveToOuterDisposeScope(), resampled.LogWeights.alias().MoveToOuterDisposeScope());
    }

    /// <summary>Resamples the particles in those trajectories in which too few count.</summary>
    /// <param name="memory">The weighted particles.</param>
    /// <param name="random">The stream of places and moves.</param>
    public ParticleMemory Resample(ParticleMemory memory, RandomStream random)
    {
        using var scope = NewDisposeScope();
        long members = memory.Members.size(1);
        // Equal weights, to round-off, are never resampled.
        var poor = ParticleDensity.EffectiveSizeOf(memory.LogWeights) < effectiveSizeRatio * members * (1 - 1e-6);
        if (!poor.any().ToBoolean()) return memory.Map(tensor => tensor.alias().MoveToOuterDisposeScope());
        var indices = ParticleResampling.Draw(memory.LogWeights.exp(), scheme, random);
        var drawn = jitter.Apply(ParticleDensity.Select(memory.Members, indices), indices, memory, random);
        var chosen = where(poor.reshape(-1, 1, 1), drawn, memory.Members);
        var weights = where(poor.unsqueeze(-1), full_like(memory.LogWeights, -Math.Log(members)), memory.LogWeights);
        return new(chosen.MoveToOuterDisposeScope(), weights.MoveToOuterDisposeScope());
    }
}

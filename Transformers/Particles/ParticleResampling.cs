using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Draws particles by their weights, each trajectory by itself.</summary>
public static class ParticleResampling
{
    /// <summary>Draws the particles that continue.</summary>
    /// <param name="weights">The weights, not below zero, with a sum of one over the members, <c>[batch, N]</c>.</param>
    /// <param name="scheme">The resampling scheme.</param>
    /// <param name="random">The stream of the places.</param>
    /// <returns>The indices of members, <c>[batch, N]</c>.</returns>
    public static Tensor Draw(Tensor weights, ResamplingScheme scheme, RandomStream random)
    {
        Require.Shape(weights, "The weights of particles", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        using var scope = NewDisposeScope();
        long batch = weights.size(0), members = weights.size(1);
        var w = weights.to(ScalarType.Float64); // sums of single-precision weights would miss the last members
        var steps = arange(members, dtype: ScalarType.Float64, device: w.device);
        Tensor Uniform(long columns) => random.Uniform([batch, columns], ScalarType.Float64);
        var drawn = Require.Defined(scheme) switch
        {
            ResamplingScheme.Systematic => Find(w, (steps + Uniform(1)) / members),
            ResamplingScheme.Stratified => Find(w, (steps + Uniform(members)) / members),
            ResamplingScheme.Multinomial => Find(w, Uniform(members)),
            ResamplingScheme.Residual => Residual(w, steps, Uniform(members)),
            _ => throw new UnreachableException(),
        };
        return drawn.MoveToOuterDisposeScope();
    }

    private static Tensor Residual(Tensor weights, Tensor steps, Tensor places)
    {
        long members = weights.size(1);
        var expected = weights * members;
        var copies = (expected + 1e-9).floor(); // a weight of one N-th is one copy, whatever the round-off
        var left = (expected - copies).clamp_min(0);
        var certain = copies.sum([1], keepdim: true);
        var fixedOnes = searchsorted(copies.cumsum(1).contiguous(), steps.expand(weights.size(0), members).contiguous(), right: true)
            .clamp_max(members - 1);
        var free = Find(left / left.sum([1], keepdim: true).clamp_min(1e-300), places);
        return where(steps < certain, fixedOnes, free);
    }

    // The member whose share of [0, 1) contains each place.
    private static Tensor Find(Tensor weights, Tensor places) =>
        searchsorted(weights.cumsum(1).contiguous(), places.contiguous(), right: true).clamp_max(weights.size(1) - 1);
}

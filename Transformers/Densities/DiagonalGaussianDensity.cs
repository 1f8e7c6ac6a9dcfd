using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The normal density of independent components, N(m, diag(s^2)), for a batch of trajectories; it is differentiable.</summary>
public sealed class DiagonalGaussianDensity : IDensity
{
    /// <summary>Makes a density; the tensors remain the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="standardDeviation">s, <c>[batch, n]</c>, above zero.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public DiagonalGaussianDensity(Tensor mean, Tensor standardDeviation)
    {
        Mean = Require.Shape(mean, "The mean of a Gaussian density", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        StandardDeviation = Require.Shape(standardDeviation, "The standard deviation of a Gaussian density", mean.Sizes());
    }

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <inheritdoc/>
    public Tensor StandardDeviation { get; }

    /// <inheritdoc/>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            return StandardDeviation.square().diag_embed().MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor LogDensity(Tensor state)
    {
        Require.Shape(state, "The state whose density is asked", Mean.Sizes());
        using var scope = NewDisposeScope();
        var white = (state.to(Mean.dtype) - Mean) / StandardDeviation;
        return (-0.5 * white.square() - StandardDeviation.log() - 0.5 * Math.Log(2 * Math.PI)).sum([-1]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var white = random.Normal([Mean.size(0), count, Mean.size(1)], Mean.dtype);
        return (Mean.unsqueeze(1) + white * StandardDeviation.unsqueeze(1)).MoveToOuterDisposeScope();
    }
}

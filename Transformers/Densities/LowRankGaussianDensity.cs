using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The normal density N(m, U U^T + diag(s^2)) of a covariance of low rank plus a diagonal, for a batch of trajectories. It is evaluated
/// through the r x r matrix C = I + U^T diag(s^-2) U (Sherman, Morrison and Woodbury) without forming the covariance, and is
/// differentiable:
/// <code>
/// P^-1 = D^-1 - D^-1 U C^-1 U^T D^-1,   ln det P = ln det C + ln det D,   D = diag(s^2)
/// </code>
/// </summary>
public sealed class LowRankGaussianDensity : IDensity
{
    /// <summary>Makes a density; the tensors remain the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="factor">U, <c>[batch, n, r]</c></param>
    /// <param name="deviation">s, <c>[batch, n]</c>, above zero.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public LowRankGaussianDensity(Tensor mean, Tensor factor, Tensor deviation)
    {
        Mean = Require.Shape(mean, "The mean of a Gaussian density", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Factor = Require.Shape(factor, "The low-rank factor of a Gaussian density", mean.size(0), mean.size(1), ColumnDefinition.AnySize);
        Deviation = Require.Shape(deviation, "The diagonal of a Gaussian density", mean.Sizes());
    }

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <summary>U, <c>[batch, n, r]</c></summary>
    public Tensor Factor { get; }

    /// <summary>s, <c>[batch, n]</c></summary>
    public Tensor Deviation { get; }

    /// <inheritdoc/>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            return (Factor.matmul(Factor.mT) + Deviation.square().diag_embed()).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor StandardDeviation
    {
        get
        {
            using var scope = NewDisposeScope();
            return (Factor.square().sum([-1]) + Deviation.square()).sqrt().MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor LogDensity(Tensor state)
    {
        Require.Shape(state, "The state whose density is asked", Mean.Sizes());
        using var scope = NewDisposeScope();
        var white = ((state.to(Mean.dtype) - Mean) / Deviation).unsqueeze(-1);                           // D^-1/2 (x - m), [batch, n, 1]
        var scaled = Factor / Deviation.unsqueeze(-1);                                    // D^-1/2 U
        var identity = Factor.Identity(Factor.size(2));
        var triangle = linalg.cholesky(identity + scaled.mT.matmul(scaled));              // C = T T^T
        var projected = linalg.solve_triangular(triangle, scaled.mT.matmul(white), upper: false).squeeze(-1);
        var squares = white.square().sum([-2, -1]) - projected.square().sum([-1]);
        var logDeterminant = triangle.diagonal(0, -2, -1).log().sum([-1]) + Deviation.log().sum([-1]);
        return (-0.5 * squares - logDeterminant - 0.5 * Mean.size(1) * Math.Log(2 * Math.PI)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var common = random.Normal([Mean.size(0), count, Factor.size(2)], Mean.dtype);
        var own = random.Normal([Mean.size(0), count, Mean.size(1)], Mean.dtype);
        return (Mean.unsqueeze(1) + common.matmul(Factor.mT) + own * Deviation.unsqueeze(1)).MoveToOuterDisposeScope();
    }
}

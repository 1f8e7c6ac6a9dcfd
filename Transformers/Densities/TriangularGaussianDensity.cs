using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The normal density N(m, L L^T) of a mean and a lower-triangular factor with a diagonal above zero, for a batch of trajectories: it is
/// evaluated without a decomposition, and is differentiable (Boudier et al. eq. 5.7).
/// </summary>
public sealed class TriangularGaussianDensity : IDensity
{
    /// <summary>Makes a density; the tensors remain the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="factor">L, <c>[batch, n, n]</c>, lower triangular, its diagonal above zero.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public TriangularGaussianDensity(Tensor mean, Tensor factor)
    {
        Mean = Require.Shape(mean, "The mean of a Gaussian density", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Factor = Require.Shape(factor, "The factor of a Gaussian density", mean.size(0), mean.size(1), mean.size(1));
    }

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <summary>L, <c>[batch, n, n]</c></summary>
    public Tensor Factor { get; }

    /// <inheritdoc/>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            return Factor.matmul(Factor.mT).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor StandardDeviation
    {
        get
        {
            using var scope = NewDisposeScope();
            return Factor.square().sum([-1]).sqrt().MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor LogDensity(Tensor state)
    {
        Require.Shape(state, "The state whose density is asked", Mean.Sizes());
        using var scope = NewDisposeScope();
        // -1/2 |L^-1 (x - m)|^2 - ln det L - n/2 ln 2 pi
        var white = linalg.solve_triangular(Factor, (state.to(Mean.dtype) - Mean).unsqueeze(-1), upper: false).squeeze(-1);
        var logDeterminant = Factor.diagonal(0, -2, -1).log().sum([-1]);
        return (-0.5 * white.square().sum([-1]) - logDeterminant - 0.5 * Mean.size(1) * Math.Log(2 * Math.PI)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var white = random.Normal([Mean.size(0), count, Mean.size(1)], Mean.dtype);
        return (Mean.unsqueeze(1) + white.matmul(Factor.mT)).MoveToOuterDisposeScope();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The normal density N(m, P) for a batch of trajectories.</summary>
public sealed class GaussianDensity : IDensity
{
    /// <summary>Makes a density of a mean and a covariance; the tensors stay the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="covariance">P, <c>[batch, n, n]</c>, symmetric and positive definite.</param>
    /// <exception cref="ArgumentException">The shapes do not fit each other.</exception>
    public GaussianDensity(Tensor mean, Tensor covariance)
    {
        Mean = Require.Shape(mean, "The mean of a Gaussian density", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Covariance = Require.Shape(covariance, "The covariance of a Gaussian density", mean.shape[0], mean.shape[1], mean.shape[1]);
    }

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <inheritdoc/>
    public Tensor Covariance { get; }

    /// <inheritdoc/>
    public Tensor StandardDeviation => Covariance.diagonal(0, -2, -1).clamp_min(0).sqrt();

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The covariance is not positive definite.</exception>
    public Tensor LogDensity(Tensor state)
    {
        Require.Shape(state, "The state whose density is asked", Mean.shape);
        using var scope = NewDisposeScope();
        var factor = Factor();
        // -1/2 |L^-1 (x - m)|^2 - ln det L - n/2 ln 2 pi
        var white = linalg.solve_triangular(factor, (state - Mean).unsqueeze(-1), upper: false).squeeze(-1);
        var logDeterminant = factor.diagonal(0, -2, -1).log().sum(-1);
        return (-0.5 * white.square().sum(-1) - logDeterminant - 0.5 * Mean.shape[1] * Math.Log(2 * Math.PI)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The covariance is not positive definite.</exception>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var white = random.Normal([Mean.shape[0], count, Mean.shape[1]], Mean.dtype);
        return (Mean.unsqueeze(1) + white.matmul(Factor().transpose(-2, -1))).MoveToOuterDisposeScope();
    }

    // P = L L^T
    private Tensor Factor()
    {
        var (factor, info) = linalg.cholesky_ex(Covariance);
        if (info.count_nonzero().ToInt64() != 0)
            throw new NotSupportedException("The covariance is not positive definite, so the distribution has no density: it lies on a lower-dimensional plane.");
        return factor;
    }
}

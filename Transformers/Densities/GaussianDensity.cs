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
        Covariance = Require.Shape(covariance, "The covariance of a Gaussian density", mean.size(0), mean.size(1), mean.size(1));
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
        using var scope = NewDisposeScope();
        return Triangular().LogDensity(state).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The covariance is not positive definite.</exception>
    public Tensor Sample(long count, RandomStream random)
    {
        using var scope = NewDisposeScope();
        return Triangular().Sample(count, random).MoveToOuterDisposeScope();
    }

    // P = L L^T
    private TriangularGaussianDensity Triangular()
    {
        var (factor, info) = linalg.cholesky_ex(Covariance);
        if (info.count_nonzero().ToInt64() != 0)
            throw new NotSupportedException("The covariance is not positive definite, so the distribution has no density: it lies on a lower-dimensional plane.");
        return new(Mean, factor);
    }
}

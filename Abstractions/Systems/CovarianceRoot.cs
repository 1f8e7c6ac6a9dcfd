using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Square roots of covariances that may be singular: P = W^T W. The rows of W are deviations, as the members of an ensemble are.
/// </summary>
/// <remarks>
/// The eigenvalues are those of the correlations, so that the units of the components do not matter. A component of variance zero has
/// zeros in all rows.
/// </remarks>
public static class CovarianceRoot
{
    /// <summary>
    /// The distance below zero, for each component, that round-off may give an eigenvalue of a correlation matrix: 1e-10, or 1e-5 in
    /// single precision.
    /// </summary>
    /// <param name="dtype">The precision of the given matrix.</param>
    public static double Tolerance(ScalarType dtype) => dtype == ScalarType.Float64 ? 1e-10 : 1e-5;

    /// <summary>W of positive semidefinite matrices; NaN throughout for a matrix that is not finite.</summary>
    /// <param name="covariance">P, <c>[..., n, n]</c></param>
    /// <returns><c>[..., n, n]</c></returns>
    /// <exception cref="ArgumentException">A matrix has a negative variance, or a negative eigenvalue beyond round-off.</exception>
    public static Tensor Of(Tensor covariance)
    {
        using var scope = NewDisposeScope();
        if (covariance.numel() == 0) return covariance.clone().MoveToOuterDisposeScope();
        if (!FiniteNumbers.All(covariance)) return full_like(covariance, double.NaN).MoveToOuterDisposeScope();
        var (lower, failed) = linalg.cholesky_ex(covariance);
        if (failed.count_nonzero().ToInt64() == 0) return lower.mT.contiguous().MoveToOuterDisposeScope();
        return Eigen(covariance, Tolerance(covariance.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>W of finite matrices by their eigenvectors, whether singular or not.</summary>
    /// <param name="covariance">P, <c>[..., n, n]</c></param>
    /// <param name="tolerance">The largest distance below zero of an eigenvalue of the correlations, for each component.</param>
    /// <returns><c>[..., n, n]</c></returns>
    /// <exception cref="ArgumentException">A matrix has a negative variance, or a negative eigenvalue beyond round-off.</exception>
    public static Tensor Eigen(Tensor covariance, double tolerance)
    {
        using var scope = NewDisposeScope();
        var variances = covariance.diagonal(0, -2, -1);
        if ((variances < 0).any().ToBoolean())
            throw new ArgumentException("A covariance must be positive semidefinite; " +
                $"the smallest of its variances is {variances.min().ToDouble():g6}.", nameof(covariance));
        var deviations = variances.sqrt();
        var scale = where(deviations > 0, deviations.reciprocal(), zeros_like(deviations));
        var correlations = scale.unsqueeze(-1) * covariance * scale.unsqueeze(-2);
        var sizes = covariance.abs();
        if ((sizes.amax([-1]).where(deviations == 0, 0) > tolerance * sizes.amax([-2, -1]).unsqueeze(-1)).any().ToBoolean())
            throw new ArgumentException(
                "A covariance must be positive semidefinite; a component of variance zero has non-zero covariances.", nameof(covariance));
        var (values, vectors) = linalg.eigh(correlations);
        double smallest = values.min().ToDouble();
        if (!(smallest >= -tolerance * covariance.size(-1)))
            throw new ArgumentException("A covariance must be positive semidefinite; " +
                $"the smallest eigenvalue of its correlations is {smallest:g6}.", nameof(covariance));
        return (values.clamp_min(0).sqrt().unsqueeze(-1) * vectors.mT * deviations.unsqueeze(-2)).MoveToOuterDisposeScope();
    }
}

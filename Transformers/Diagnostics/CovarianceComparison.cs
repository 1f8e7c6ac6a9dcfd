using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Compares two error covariances and the subspaces of their largest variance (Bocquet et al. 2024, section III C).</summary>
public static class CovarianceComparison
{
    /// <summary>
    /// The normalised Bures-Wasserstein distance of two covariances, (1 / n) (Tr(U + V - 2 (V^(1/2) U V^(1/2))^(1/2)))^(1/2) (Bocquet et
    /// al. 2024, eq. 12; Bhatia et al. 2019); it is sensitive both to the axes and to the variances along them.
    /// </summary>
    /// <param name="first">U, <c>[..., n, n]</c>, symmetric and positive semi-definite; asymmetry and negative eigenvalues from round-off
    /// or from a regression are removed.</param>
    /// <param name="second">V, of the same shape or one that broadcasts to it.</param>
    /// <returns><c>[...]</c></returns>
    /// <exception cref="ArgumentException">The matrices are not square, or differ in size.</exception>
    public static Tensor BuresWassersteinDistance(Tensor first, Tensor second)
    {
        long n = Square(first, second);
        using var scope = NewDisposeScope();
        // With U = A A^T and V = B B^T the trace of (V^(1/2) U V^(1/2))^(1/2) is the sum of the singular values of A^T B.
        var ((u, a), (v, b)) = (Root(first), Root(second));
        var squared = u + v - 2 * linalg.svdvals(a.mT.matmul(b)).sum([-1]);
        return (squared.clamp_min(0).sqrt() / n).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The principal angles between two subspaces, in degrees, from the smallest to the largest (Bjoerck and Golub 1973).
    /// </summary>
    /// <param name="first">Vectors that span the first subspace, as rows, <c>[..., k, n]</c>; linearly independent.</param>
    /// <param name="second">Vectors that span the second subspace, as many.</param>
    /// <returns><c>[..., k]</c></returns>
    /// <exception cref="ArgumentException">The numbers of vectors or their lengths differ, or there are more vectors than
    /// components.</exception>
    public static Tensor PrincipalAngles(Tensor first, Tensor second)
    {
        if (first.ndim < 2 || second.ndim < 2 || first.size(-1) != second.size(-1) || first.size(-2) != second.size(-2)
            || first.size(-2) > first.size(-1))
            throw new ArgumentException(
                $"Principal angles need two sets of k vectors of length n >= k, [..., k, n]; given: " +
                    $"{first.DescribeSizes()} and {second.DescribeSizes()}.");
        using var scope = NewDisposeScope();
        Tensor p = linalg.qr(first.mT).Q, q = linalg.qr(second.mT).Q;
        var (u, cosines, vh) = linalg.svd(p.mT.matmul(q), fullMatrices: false);
        // The cosine loses half the digits of a small angle; its sine, the length of the orthogonal part, does not.
        var outside = q.matmul(vh.mT) - p.matmul(u) * cosines.unsqueeze(-2);
        var sines = outside.square().sum([-2]).sqrt();
        return (atan2(sines, cosines) * (180 / Math.PI)).MoveToOuterDisposeScope();
    }

    /// <summary>Gives the eigenvectors of a covariance with the largest eigenvalues, as rows, the largest first.</summary>
    /// <param name="covariance"><c>[..., n, n]</c></param>
    /// <param name="count">k, between 1 and n.</param>
    /// <returns><c>[..., k, n]</c></returns>
    public static Tensor LeadingDirections(Tensor covariance, long count)
    {
        long n = Square(covariance, covariance);
        if (count < 1 || count > n)
            throw new ArgumentOutOfRangeException(nameof(count), count,
                $"A covariance of dimension {n} has 1 to {n} leading directions; given: {count}.");
        using var scope = NewDisposeScope();
        var (_, vectors) = SymmetricEigenproblem.Solve(KalmanUpdate.Symmetric(covariance));
        return vectors.mT.narrow(-2, n - count, count).flip(-2).MoveToOuterDisposeScope();
    }

    /// <summary>Gives the eigenvalues of a covariance, the largest first, <c>[..., n]</c>.</summary>
    /// <param name="covariance"><c>[..., n, n]</c></param>
    public static Tensor Eigenspectrum(Tensor covariance)
    {
        Square(covariance, covariance);
        using var scope = NewDisposeScope();
        return SymmetricEigenproblem.Solve(KalmanUpdate.Symmetric(covariance)).Values.flip(-1).MoveToOuterDisposeScope();
    }

    // The trace and a root A, P = A A^T. An eigenvalue at the level of round-off is set to zero, since its root would be some 1e-8.
    private static (Tensor Trace, Tensor Root) Root(Tensor covariance)
    {
        var (values, vectors) = SymmetricEigenproblem.Solve(KalmanUpdate.Symmetric(covariance));
        double precision = values.dtype == ScalarType.Float64 ? Math.ScaleB(1, -52) : Math.ScaleB(1, -23);
        var least = values.size(-1) * precision * values.abs().amax([-1], keepdim: true);
        values = values.where(values > least, zeros_like(values));
        return (values.sum([-1]), vectors * values.sqrt().unsqueeze(-2));
    }

    private static long Square(Tensor first, Tensor second)
    {
        if (first.ndim < 2 || second.ndim < 2 || first.size(-1) != first.size(-2) || second.size(-1) != second.size(-2)
            || first.size(-1) != second.size(-1))
            throw new ArgumentException(
                $"Covariances [..., n, n] of one size are needed; given: {first.DescribeSizes()} and " +
                    $"{second.DescribeSizes()}.");
        return first.size(-1);
    }
}

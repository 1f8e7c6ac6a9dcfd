using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The directions that a cycle's observations see, in the space of an ensemble's members or of a root's rows: the span of the columns of
/// Y. An analysis changes the anomalies X = Pi X + (I - Pi) X in the first part alone, with the projector Pi on that span; so does an
/// inflation, which makes up for what analyses take. Where nothing is observed, Y is zero and nothing is seen.
/// </summary>
internal static class ObservedDirections
{
    /// <summary>The least eigenvalue of Y Y^T, as a share of the largest, along which something is seen: above round-off.</summary>
    /// <param name="size">The larger of the members and the observations.</param>
    /// <param name="single">Whether in single precision.</param>
    public static double Share(long size, bool single) => 2 * size * (single ? 1.2e-7 : 2.3e-16);

    /// <summary>Along which eigenvectors of Y Y^T something is seen, <c>[batch, k]</c>.</summary>
    /// <param name="eigenvalues"><c>[batch, k]</c></param>
    /// <param name="size">The larger of the members and the observations.</param>
    public static Tensor Seen(Tensor eigenvalues, long size)
    {
        using var scope = NewDisposeScope();
        var sizes = eigenvalues.abs();
        return (sizes > sizes.amax([-1], keepdim: true) * Share(size, sizes.dtype != ScalarType.Float64)).MoveToOuterDisposeScope();
    }

    /// <summary>(I - Pi) X, what the observations do not see.</summary>
    /// <param name="anomalies">X, <c>[batch, N, n]</c></param>
    /// <param name="observed">Y, whitened, <c>[batch, N, p]</c></param>
    public static Tensor Unseen(Tensor anomalies, Tensor observed)
    {
        using var scope = NewDisposeScope();
        long count = observed.size(1), p = observed.size(2);
        var transposed = observed.mT;
        bool inMemberSpace = count <= p;
        var (values, vectors) = SymmetricEigenproblem.Solve(inMemberSpace ? observed.matmul(transposed) : transposed.matmul(observed));
        var seen = Seen(values, Math.Max(count, p));
        if (inMemberSpace)
        {
            var unseen = vectors * seen.logical_not().to_type(vectors.dtype).unsqueeze(-2);
            return unseen.matmul(unseen.mT.matmul(anomalies)).MoveToOuterDisposeScope();
        }
        var basis = observed.matmul(vectors) * values.rsqrt().where(seen, 0).unsqueeze(-2);
        return (anomalies - basis.matmul(basis.mT.matmul(anomalies))).MoveToOuterDisposeScope();
    }

    /// <summary>X with its seen part times a factor.</summary>
    /// <param name="anomalies">X, <c>[batch, N, n]</c></param>
    /// <param name="observed">Y, whitened, <c>[batch, N, p]</c></param>
    /// <param name="factor">Of the anomalies; with one X itself.</param>
    public static Tensor Inflate(Tensor anomalies, Tensor observed, double factor) =>
        factor == 1 ? anomalies : Inflate(anomalies, factor, Unseen(anomalies, observed));

    /// <summary>Anomalies times a factor, but for an unseen part.</summary>
    /// <param name="anomalies"><c>[batch, N, n]</c></param>
    /// <param name="factor">Of the anomalies.</param>
    /// <param name="unseen">The part of them that stays as it is.</param>
    public static Tensor Inflate(Tensor anomalies, double factor, Tensor unseen) => factor * anomalies + (1 - factor) * unseen;
}

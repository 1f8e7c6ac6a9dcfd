using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The gain of the ensemble Kalman filter, X^T (Y Y^T + (N - 1) I)^-1 Y, applied without an inverse in the smaller of the two spaces,
/// members or observations.
/// </summary>
internal static class EnsembleGain
{
    /// <summary>Computes the state increments of differences in the space of observations: differences Y^T (Y Y^T + (N - 1) I)^-1
    /// X.</summary>
    /// <param name="differences">The differences, whitened, <c>[batch, rows, p]</c>.</param>
    /// <param name="observed">Y, <c>[batch, N, p]</c>.</param>
    /// <param name="anomalies">X, <c>[batch, N, n]</c>.</param>
    /// <returns><c>[batch, rows, n]</c></returns>
    public static Tensor Apply(Tensor differences, Tensor observed, Tensor anomalies)
    {
        long members = observed.size(1), p = observed.size(2);
        var transposed = observed.transpose(-2, -1);
        return members <= p
            ? differences.matmul(transposed).matmul(Solve(observed.matmul(transposed), members - 1, anomalies))
            : differences.matmul(Solve(transposed.matmul(observed), members - 1, transposed.matmul(anomalies)));
    }

    // Solves (G + shift I)^-1 B for symmetric G without negative eigenvalues.
    private static Tensor Solve(Tensor gram, double shift, Tensor right)
    {
        var factor = linalg.cholesky(gram + shift * eye(gram.size(-1), dtype: gram.dtype, device: gram.device));
        return linalg.solve_triangular(factor.transpose(-2, -1), linalg.solve_triangular(factor, right, upper: false), upper: true);
    }
}

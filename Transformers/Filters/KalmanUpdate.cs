using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The Kalman update of a mean and a covariance (Kalman 1960), with missing observations exact and without an inverse:
/// with R = L L^T, Z = P H^T L^-T and I + L^-1 H P H^T L^-T = C C^T, the gain is K = Z (C C^T)^-1 L^-1. A nonlinear
/// observation operator is linearised at the mean.
/// </summary>
public static class KalmanUpdate
{
    /// <summary>Mean and covariance after the observation: m + K (y - H(m)), P - K H P.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="covariance">P, <c>[batch, n, n]</c></param>
    /// <param name="observation">y, with its mask where some are missing.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    public static (Tensor Mean, Tensor Covariance) Apply(Tensor mean, Tensor covariance, Observation observation,
        IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var innovation = observation.Values - observationOperator.Apply(mean);
        var (factor, gain) = Factorise(mean, covariance, observationOperator, observationError, observation.Mask);
        // K (y - H(m)) = (C^-1 Z^T)^T C^-1 L^-1 (y - H(m))
        var white = observationError.Whiten(innovation, observation.Mask).unsqueeze(-1);
        var increment = gain.transpose(-2, -1).matmul(linalg.solve_triangular(factor, white, upper: false)).squeeze(-1);
        var reduced = covariance - gain.transpose(-2, -1).matmul(gain);
        return scope.MoveToOuter(mean + increment, Symmetric(reduced));
    }

    /// <summary>The increment K d of a state for an innovation d, where the covariance of the analysis is not wanted.</summary>
    /// <param name="linearisation">Where H is linearised, <c>[batch, n]</c>.</param>
    /// <param name="covariance">P, <c>[batch, n, n]</c></param>
    /// <param name="innovation">d, <c>[batch, p]</c></param>
    /// <param name="mask">Which observations exist, <c>[batch, p]</c>; null = all.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    /// <returns><c>[batch, n]</c></returns>
    public static Tensor Increment(Tensor linearisation, Tensor covariance, Tensor innovation, Tensor? mask,
        IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var (factor, gain) = Factorise(linearisation, covariance, observationOperator, observationError, mask);
        var white = observationError.Whiten(innovation, mask).unsqueeze(-1);
        return gain.transpose(-2, -1).matmul(linalg.solve_triangular(factor, white, upper: false)).squeeze(-1).MoveToOuterDisposeScope();
    }

    /// <summary>The gain K itself, <c>[batch, n, p]</c>, where nothing is missing and many innovations meet the same gain.</summary>
    /// <inheritdoc cref="Increment"/>
    public static Tensor Gain(Tensor linearisation, Tensor covariance, IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var (factor, gain) = Factorise(linearisation, covariance, observationOperator, observationError, null);
        // Row j of the whitened identity is L^-1 e_j, so its transpose is L^-1.
        var white = observationError.Whiten(eye(observationError.Dimension, dtype: covariance.dtype, device: covariance.device)).transpose(0, 1);
        return gain.transpose(-2, -1).matmul(linalg.solve_triangular(factor, white.expand(covariance.size(0), white.size(0), white.size(1)), upper: false)).MoveToOuterDisposeScope();
    }

    /// <summary>(A + A^T) / 2: takes off what round-off leaves of asymmetry.</summary>
    /// <param name="matrix"><c>[..., n, n]</c></param>
    public static Tensor Symmetric(Tensor matrix) => 0.5 * (matrix + matrix.transpose(-2, -1));

    // C [batch, p, p] and C^-1 Z^T [batch, p, n].
    private static (Tensor Factor, Tensor Gain) Factorise(Tensor at, Tensor covariance, IObservationOperator observationOperator, IErrorCovariance observationError, Tensor? mask)
    {
        long batch = at.size(0), n = at.size(1), p = observationOperator.ObservationDimension;
        var rows = at.unsqueeze(1);
        // Row i of H'(P e_i) is (P H^T)_i.
        var cross = observationOperator.TangentLinear(rows.expand(batch, n, n), covariance.expand(batch, n, n));       // P H^T, [batch, n, p]
        var whiteCross = observationError.Whiten(cross, mask).transpose(-2, -1).contiguous();                          // Z^T,   [batch, p, n]
        var half = observationOperator.TangentLinear(rows.expand(batch, p, n), whiteCross);                            // L^-1 H P H^T
        var white = observationError.Whiten(half, mask) + eye(p, dtype: at.dtype, device: at.device);                  // I + L^-1 H P H^T L^-T
        var factor = linalg.cholesky(Symmetric(white));
        return (factor, linalg.solve_triangular(factor, whiteCross, upper: false));
    }
}

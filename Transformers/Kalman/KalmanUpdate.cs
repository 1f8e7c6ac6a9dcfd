using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The Kalman update (Kalman 1960) in its square-root array form (Kailath, Sayed and Hassibi 2000, section 12.3), which needs no inverse,
/// treats missing observations exactly, and keeps a covariance positive semidefinite whatever the prior's size. With P = W^T W, R = L L^T
/// and the rows Y = W H^T L^-T, a QR factorisation gives
/// <code>
/// | I  0 |       | C^T  G  |
/// | Y  W |  = Q  |  0   W_a|      C C^T = I + L^-1 H P H^T L^-T,   G = C^-1 Y^T W,   P_a = W_a^T W_a,   K = G^T C^-1 L^-1
/// </code>
/// A nonlinear observation operator is linearised at the mean.
/// </summary>
public static class KalmanUpdate
{
    /// <summary>Computes mean and covariance after the observation: m + K (y - H(m)), P - K H P.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="covariance">P, <c>[batch, n, n]</c></param>
    /// <param name="observation">y, with its mask if some are missing.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    public static (Tensor Mean, Tensor Covariance) Apply(Tensor mean, Tensor covariance, Observation observation,
        IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var analysis = Apply(new GaussianMemory(mean, covariance), observation, observationOperator, observationError);
        return scope.MoveToOuter(analysis.Mean, analysis.Covariance);
    }

    /// <summary>Computes mean and square root of the covariance after the observation.</summary>
    /// <param name="forecast">m and W</param>
    /// <param name="observation">y, with its mask if some are missing.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    public static GaussianMemory Apply(GaussianMemory forecast, Observation observation, IObservationOperator observationOperator,
        IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var innovation = observation.Values - observationOperator.Apply(forecast.Mean);
        var (upper, gain, root) = Factorise(Observed(forecast.Mean, forecast.Root, observation.Mask, observationOperator, observationError),
            forecast.Root);
        // K (y - H(m)) = G^T C^-1 L^-1 (y - H(m))
        var white = observationError.Whiten(innovation, observation.Mask).unsqueeze(-1);
        var weights = linalg.solve_triangular(upper.mT, white, upper: false);
        var mean = forecast.Mean + gain.mT.matmul(weights).squeeze(-1);
        return GaussianMemory.OfRoot(mean.MoveToOuterDisposeScope(), root.contiguous().MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The weights v of the rows of W that make the increment K d = W^T v: v = Y (I + Y^T Y)^-1 L^-1 d. They are the shortest weights
    /// with this increment, so that |v|^2 is its squared length in P^-1, or in P's pseudo-inverse.
    /// </summary>
    /// <param name="linearisation">The point of linearisation of H, <c>[batch, n]</c>.</param>
    /// <param name="root">W, <c>[batch, n, n]</c></param>
    /// <param name="innovation">d, <c>[batch, p]</c></param>
    /// <param name="mask">The observations that exist, <c>[batch, p]</c>; null = all.</param>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R</param>
    /// <returns><c>[batch, n]</c></returns>
    public static Tensor Weights(Tensor linearisation, Tensor root, Tensor innovation, Tensor? mask,
        IObservationOperator observationOperator, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var observed = Observed(linearisation, root, mask, observationOperator, observationError);
        long batch = observed.size(0), p = observed.size(2);
        var identity = observed.Identity(p).expand(batch, p, p);
        var (_, upper) = linalg.qr(cat([identity, observed], 1), linalg.QRMode.R);
        var white = observationError.Whiten(innovation, mask).unsqueeze(-1);
        var solved = linalg.solve_triangular(upper, linalg.solve_triangular(upper.mT, white, upper: false), upper: true);
        return observed.matmul(solved).squeeze(-1).MoveToOuterDisposeScope();
    }

    /// <summary>The gain K itself, <c>[batch, n, p]</c>, for use with no missing observation and with many innovations for the same
    /// gain.</summary>
    /// <inheritdoc cref="Weights"/>
    public static Tensor Gain(Tensor linearisation, Tensor root, IObservationOperator observationOperator,
        IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var (upper, gain, _) = Factorise(Observed(linearisation, root, null, observationOperator, observationError), root);
        // Row j of the whitened identity is L^-1 e_j, so its transpose is L^-1.
        var white = observationError.Whiten(root.Identity(observationError.Dimension)).mT;
        var weights = linalg.solve_triangular(upper.mT, white.expand(root.size(0), white.size(0), white.size(1)), upper: false);
        return gain.mT.matmul(weights).MoveToOuterDisposeScope();
    }

    /// <summary>(A + A^T) / 2: removes the asymmetry left by round-off.</summary>
    /// <param name="matrix"><c>[..., n, n]</c></param>
    public static Tensor Symmetric(Tensor matrix) => 0.5 * (matrix + matrix.mT);

    /// <summary>Y = W H^T L^-T: each row observed and whitened, <c>[batch, rows, p]</c>.</summary>
    internal static Tensor Observed(Tensor at, Tensor rows, Tensor? mask, IObservationOperator observationOperator,
        IErrorCovariance observationError)
    {
        var along = observationOperator.TangentLinear(at.unsqueeze(1).expand(rows.Sizes()), rows);
        return observationError.Whiten(along, mask);
    }

    // C^T [batch, p, p], G [batch, p, n] and W_a [batch, n, n]
    private static (Tensor Upper, Tensor Gain, Tensor Root) Factorise(Tensor observed, Tensor root)
    {
        long batch = observed.size(0), n = root.size(2), p = observed.size(2);
        var identity = root.Identity(p).expand(batch, p, p);
        var (_, array) = linalg.qr(cat([cat([identity, root.new_zeros(batch, p, n)], 2), cat([observed, root], 2)], 1), linalg.QRMode.R);
        var top = array.narrow(1, 0, p);
        return (top.narrow(2, 0, p), top.narrow(2, p, n), array.narrow(1, p, n).narrow(2, p, n));
    }
}

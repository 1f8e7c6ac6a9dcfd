using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The backward step of the Rauch-Tung-Striebel smoother (Rauch, Tung and Striebel 1965, AIAA J. 3, 1445-1450), with f the forecast of
/// the next cycle and s the smoothed estimate:
/// <code>
/// J  = P_a M^T P_f^-1
/// x_s = x_a + J (x_s' - x_f)        P_s = P_a + J (P_s' - P_f) J^T
/// </code>
/// It is exact for a linear model, with error or without; a nonlinear one is linearised along the run from the analysis, as the extended
/// Kalman filter does.
/// </summary>
/// <remarks>
/// Square roots are propagated, P = W^T W, so that covariances remain positive semidefinite. With the roots F = [W_a M^T; W_q] of the
/// forecast and A = [W_a; 0], the gain is the regression of A on F, J^T = F^+ A, and the root of P_s is that of the residual A - F J^T
/// and of W_s' J^T together. A singular P_f (a known initial state, a companion form) needs no special treatment. Components are scaled
/// first, so that their units do not matter.
/// </remarks>
/// <param name="dynamics">The filter's model.</param>
[Component("rauch-tung-striebel-step")]
public sealed class RauchTungStriebelStep(IDynamics dynamics) : IBackwardStep<GaussianMemory>
{
    private readonly GaussianPropagater error = new(dynamics);

    /// <inheritdoc/>
    public GaussianMemory Back(GaussianMemory analysis, GaussianMemory forecast, GaussianMemory smoothed, TimeInterval interval)
    {
        using var scope = NewDisposeScope();
        var (mean, root) = (analysis.Mean, analysis.Root);
        // W_a M^T
        var along = dynamics.TangentLinear(mean.unsqueeze(1).expand(root.Sizes()).contiguous(), root, interval);
        // W_q, of the covariance at the interval's end of a state that is known at its beginning; [batch, 2 n, n] with it.
        var (f, a) = error.ErrorRoot(mean, interval) is { } noise ? (cat([along, noise], 1), cat([root, zeros_like(root)], 1))
            : (along, root);
        var scale = f.square().sum([1], keepdim: true).sqrt();
        scale = scale.masked_fill(scale == 0, 1);
        // J^T
        var gain = linalg.pinv(f / scale).matmul(a) / scale.mT;
        var state = mean + (smoothed.Mean - forecast.Mean).unsqueeze(1).matmul(gain).squeeze(1);
        var (_, spread) = linalg.qr(cat([a - f.matmul(gain), smoothed.Root.matmul(gain)], 1), linalg.QRMode.R);
        scope.MoveToOuter(state, spread);
        return GaussianMemory.OfRoot(state, spread);
    }
}

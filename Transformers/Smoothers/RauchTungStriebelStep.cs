using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The backward step of the Rauch-Tung-Striebel smoother (Rauch, Tung and Striebel 1965, AIAA J. 3, 1445-1450), with f the forecast of the next cycle and s what is smoothed:
/// <code>
/// J  = P_a M^T P_f^-1
/// x_s = x_a + J (x_s' - x_f)        P_s = P_a + J (P_s' - P_f) J^T
/// </code>
/// exact for a linear model, with error or without; a nonlinear one is linearised along the run from the analysis, as the extended Kalman filter does.
/// </summary>
/// <remarks>
/// A singular P_f (a known initial state, a companion form) has the pseudo-inverse in its place, which gives the same: the rows of M P_a lie in its range. It
/// is taken after the components were scaled to variance one, so that their units do not matter.
/// </remarks>
/// <param name="dynamics">The filter's model.</param>
public sealed class RauchTungStriebelStep(IDynamics dynamics) : IBackwardStep<GaussianMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("rauch-tung-striebel-step", 1, reader => new RauchTungStriebelStep(reader.Part<IDynamics>("dynamics")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public GaussianMemory Back(GaussianMemory analysis, GaussianMemory forecast, GaussianMemory smoothed, TimeInterval interval)
    {
        using var scope = NewDisposeScope();
        var (mean, covariance) = (analysis.Mean, analysis.Covariance);
        long batch = mean.size(0), n = mean.size(1);
        // Row i of M' applied to the rows of P_a is (P_a M^T)_i, [batch, n, n].
        var cross = dynamics.TangentLinear(mean.unsqueeze(1).expand(batch, n, n).contiguous(), covariance.contiguous(), interval);
        var scale = forecast.Covariance.diagonal(0, -2, -1).clamp_min(0).sqrt();
        scale = where(scale > 0, scale, ones_like(scale));
        var correlation = forecast.Covariance / scale.unsqueeze(-1) / scale.unsqueeze(-2);
        var gain = (cross / scale.unsqueeze(-2)).matmul(linalg.pinv(correlation, hermitian: true)) / scale.unsqueeze(-2);          // J
        var state = mean + gain.matmul((smoothed.Mean - forecast.Mean).unsqueeze(-1)).squeeze(-1);
        var spread = KalmanUpdate.Symmetric(covariance + gain.matmul(smoothed.Covariance - forecast.Covariance).matmul(gain.transpose(-2, -1)));
        scope.MoveToOuter(state, spread);
        return new(state, spread);
    }

    void IComponent.Save(ComponentWriter writer) => writer.Part("dynamics", dynamics);
}

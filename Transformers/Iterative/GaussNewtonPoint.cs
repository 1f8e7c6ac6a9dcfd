using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Where each trajectory's cost function is linearised: the last weights whose run did not make things worse.</summary>
/// <param name="Weights">w, <c>[batch, N]</c>.</param>
/// <param name="Sensitivity">Y at w, <c>[batch, N, p]</c>.</param>
/// <param name="Innovation">d + w Y, <c>[batch, p]</c>.</param>
/// <param name="Misfit">|d|^2, <c>[batch, 1]</c>.</param>
/// <param name="Fraction">How much of a step is taken from here, <c>[batch, 1]</c>.</param>
/// <param name="Halved">Whether some trajectory's fraction is not one.</param>
/// <param name="Going">Which trajectories have not converged, <c>[batch, 1]</c>.</param>
/// <param name="Zeta">The prior's weight at w, of this linearisation.</param>
internal sealed record GaussNewtonPoint(Tensor Weights, Tensor Sensitivity, Tensor Innovation, Tensor Misfit, Tensor Fraction, bool Halved, Tensor Going, Tensor Zeta)
{
    /// <summary>A cost, twice J, that is no more than this factor of the one before ...</summary>
    public const double RiseAllowed = 1.1;

    /// <summary>... and this above it, is taken for as good: the regression's noise.</summary>
    public const double NoiseAllowed = 4;

    /// <summary>What is kept from one step to the next.</summary>
    public IEnumerable<Tensor> Tensors => [Weights, Sensitivity, Innovation, Misfit, Fraction, Going, Zeta];

    /// <summary>
    /// The linearisation at new weights. A trajectory that had converged stays at the old ones, whatever the others do; so
    /// does one whose cost rose by more than noise of the regression makes it (by a tenth and two standard deviations of
    /// an observation), or whose run left the numbers: it will try half the step.
    /// </summary>
    public static GaussNewtonPoint At(Tensor weights, Tensor y, Tensor d, GaussNewtonPoint? old)
    {
        var misfit = d.square().sum([-1], keepdim: true);
        var innovation = d + weights.unsqueeze(1).matmul(y).squeeze(1);
        if (old is null)
        {
            var one = ones_like(misfit);
            return new(weights.alias(), y, innovation, misfit, one, false, one.to(ScalarType.Bool), one);
        }
        Tensor Cost(Tensor w, Tensor ofData) => old.Zeta * w.square().sum([-1], keepdim: true) + ofData;
        var better = Cost(weights, misfit) <= RiseAllowed * Cost(old.Weights, old.Misfit) + NoiseAllowed;
        var stays = better.logical_not().logical_or(old.Going.logical_not());
        var fraction = where(old.Going, where(better, ones_like(misfit), 0.5 * old.Fraction), old.Fraction);
        Tensor Either(Tensor now, Tensor before) => where(stays.ndim < now.ndim ? stays.unsqueeze(-1) : stays, before, now);
        return new(Either(weights, old.Weights), Either(y, old.Sensitivity), Either(innovation, old.Innovation), Either(misfit, old.Misfit),
            fraction, (fraction < 1).any().ToBoolean(), old.Going, old.Zeta);
    }
}

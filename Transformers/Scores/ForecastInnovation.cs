using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The distance of forecasts from the next observations: the root mean square of R^(-1/2) (y - H m), m the forecast's mean. It needs no
/// truth; no forecast of independent observation errors makes it smaller than one. Smaller is better.
/// </summary>
/// <param name="observationOperator">H</param>
/// <param name="observationError">R</param>
public sealed class ForecastInnovation(IObservationOperator observationOperator, IErrorCovariance observationError)
    : Score("innovation", Columns.Forecast, Columns.Observation)
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation;
        var root = MeanSquare(cycle.State(ScoredState.Forecast).to(observation.Values.dtype), observation).sqrt();
        return observation.Mask is null ? root : where(observation.Mask.any(-1), root, full_like(root, double.NaN));
    }

    /// <summary>The mean square over the observations that exist, <c>[batch]</c>, zero if there is none; it is differentiable.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="observation">y</param>
    public Tensor MeanSquare(Tensor mean, Observation observation)
    {
        using var scope = NewDisposeScope();
        var (h, r) = observation.Network is { } network ? (network.Operator, network.Error) : (observationOperator, observationError);
        var white = r.Whiten(observation.Values - h.Apply(mean), observation.Mask);
        var sum = white.square().sum([-1]);
        if (observation.ErrorScale is { } scale) sum = sum / scale.to(sum.dtype).square();
        return (observation.Mask is null ? sum / white.size(-1) : sum / observation.Mask.sum([-1]).clamp_min(1)).MoveToOuterDisposeScope();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The input of every ensemble analysis: the ensemble, its observation, and the innovation, whitened by R^(-1/2).</summary>
/// <param name="Mean">The ensemble's mean, <c>[batch, n]</c>.</param>
/// <param name="Anomalies">X, <c>[batch, N, n]</c></param>
/// <param name="ObservedAnomalies">Y, the anomalies of H(members), whitened, <c>[batch, N, p]</c>.</param>
/// <param name="Innovation">d = y - mean of H(members), whitened, <c>[batch, p]</c>.</param>
public sealed record ObservedEnsemble(Tensor Mean, Tensor Anomalies, Tensor ObservedAnomalies, Tensor Innovation)
{
    /// <summary>Observes an ensemble; missing observations are zero in both whitened quantities.</summary>
    /// <param name="members"><c>[batch, N, n]</c>, at least two members.</param>
    /// <param name="observation">y</param>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R</param>
    /// <exception cref="ArgumentException">There are fewer than two members.</exception>
    public static ObservedEnsemble Of(Tensor members, Observation observation, IObservationOperator observationOperator,
        IErrorCovariance observationError)
    {
        EnsembleStatistics.Check(members);
        using var observed = observationOperator.Apply(members);
        return Of(members, observed, observation, observationError);
    }

    // The same with H of the members given, [batch, N, p].
    internal static ObservedEnsemble Of(Tensor members, Tensor observed, Observation observation, IErrorCovariance observationError)
    {
        using var scope = NewDisposeScope();
        var (mean, anomalies) = EnsembleStatistics.Split(members);
        var (observedMean, observedAnomalies) = EnsembleStatistics.Split(observed);
        var whiteAnomalies = observationError.Whiten(observedAnomalies, observation.Mask);
        var whiteInnovation = observationError.Whiten(observation.Values - observedMean, observation.Mask);
        scope.MoveToOuter(mean, anomalies);
        scope.MoveToOuter(whiteAnomalies, whiteInnovation);
        return new(mean, anomalies, whiteAnomalies, whiteInnovation);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the stochastic ensemble Kalman filter: each member is updated with its own perturbed observation (Evensen 1994;
/// Burgers et al. 1998). The mean of the perturbations is subtracted, so that it does not displace the ensemble's mean. The factor sqrt(N
/// / (N - 1)) restores the variance that they lose with it (Evensen 2004, Ocean Dyn. 54, 539-560), as in published scores. With few
/// members this factor matters as much as an inflation.
/// </summary>
/// <param name="observationOperator">H, which may be nonlinear.</param>
/// <param name="observationError">R, of the operator's observation dimension.</param>
/// <param name="inflation">The inflation (default: none). A prior inflation is applied after the ensemble is observed.</param>
/// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
[Component("stochastic-ensemble-kalman-filter", 2)]
public sealed class StochasticEnsembleKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
    [Saved("error")] IErrorCovariance observationError, Inflation? inflation = null)
    : EnsembleAnalyzer(observationOperator, observationError, inflation)
{
    /// <inheritdoc/>
    public override string Name => "stochastic EnKF";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var members = Inflation.BeforeUpdate(forecast.Members, random);
        var ensemble = ObservedEnsemble.Of(members, observation, ObservationOperator, ObservationError);
        if (Inflation.PriorFactor != 1)
            ensemble = ensemble with
                { Anomalies = ensemble.Anomalies * Inflation.PriorFactor,
                    ObservedAnomalies = ensemble.ObservedAnomalies * Inflation.PriorFactor };
        // R^(-1/2) times errors drawn from N(0, R) is white noise; missing observations have none.
        double count = ensemble.ObservedAnomalies.size(1);
        var noise = Math.Sqrt(count / (count - 1)) * random.Normal(ensemble.ObservedAnomalies.Sizes(), ensemble.Mean.dtype);
        if (observation.Mask is not null) noise = noise * observation.Mask.to(noise.dtype).unsqueeze(1);
        var (mean, anomalies) = Update(ensemble, noise);
        if (Inflation.PosteriorFactor != 1) anomalies = anomalies * Inflation.PosteriorFactor;
        var analysis = Inflation.AfterUpdate(members, mean.unsqueeze(1) + anomalies, random);
        return new(UnobservedPlaces.Keep(forecast.Members, analysis, observation).MoveToOuterDisposeScope());
    }

    /// <summary>Computes the update with given perturbations: X_i + K (d + e_i - Y_i) about the mean, K = X^T (Y Y^T + (N - 1) I)^-1
    /// Y.</summary>
    /// <param name="ensemble">The forecast and its observation.</param>
    /// <param name="noise">The perturbations e, whitened, <c>[batch, N, p]</c>; their mean over the members is subtracted.</param>
    /// <returns>The analysis' mean <c>[batch, n]</c> and anomalies <c>[batch, N, n]</c>.</returns>
    public static (Tensor Mean, Tensor Anomalies) Update(ObservedEnsemble ensemble, Tensor noise)
    {
        using var scope = NewDisposeScope();
        var (mean, anomalies, y, d) = ensemble;
        var perturbed = noise - noise.mean([1], keepdim: true) - y;
        // Row 0 moves the mean, the others move the members: [d; e_i - Y_i] Y^T (Y Y^T + (N - 1) I)^-1 X.
        var differences = cat([d.unsqueeze(1), perturbed], 1);
        var increments = EnsembleGain.Apply(differences, y, anomalies);
        return scope.MoveToOuter(mean + increments.select(1, 0), anomalies + increments.narrow(1, 1, y.size(1)));
    }

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new StochasticEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, Inflation);
}

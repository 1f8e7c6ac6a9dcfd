namespace DaML;

/// <summary>
/// The deterministic ensemble Kalman filter, DEnKF: no perturbed observations, half the gain for the anomalies
/// (<see cref="DeterministicEnsembleKalmanFilterAnalyzer"/>). Lorenz-96 with 40 members needs an inflation of 1.01 on the posterior
/// standard deviation.
/// </summary>
[Component("deterministic-ensemble-kalman-filter-method", 2)]
public sealed record DeterministicEnsembleKalmanFilter : EnsembleFilter
{
    /// <inheritdoc/>
    protected internal override string UsualName => $"DEnKF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new DeterministicEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, Inflation);
}

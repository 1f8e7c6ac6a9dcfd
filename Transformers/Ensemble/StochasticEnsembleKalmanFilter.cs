namespace DaML;

/// <summary>
/// The stochastic ensemble Kalman filter (<see cref="StochasticEnsembleKalmanFilterAnalyzer"/>). Lorenz-96 with 40 members needs an
/// inflation of 1.06 on the posterior standard deviation.
/// </summary>
[Component("stochastic-ensemble-kalman-filter-method", 2)]
public sealed record StochasticEnsembleKalmanFilter : EnsembleFilter
{
    /// <inheritdoc/>
    protected internal override string UsualName => $"stochastic EnKF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new StochasticEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, Inflation);
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the deterministic ensemble Kalman filter, DEnKF (Sakov and Oke 2008, Tellus 60A, 361-371): the mean gets the Kalman
/// gain, the anomalies half of it, which is the square-root analysis to first order in K H. No observation is perturbed. If observations
/// are accurate, the posterior remains slightly too wide, which acts as an inflation.
/// </summary>
/// <param name="observationOperator">H, which may be nonlinear.</param>
/// <param name="observationError">R, of the operator's observation dimension.</param>
/// <param name="inflation">The inflation (default: none). A prior inflation is applied after the ensemble is observed.</param>
/// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
[Component("deterministic-ensemble-kalman-filter")]
public sealed class DeterministicEnsembleKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
    [Saved("error")] IErrorCovariance observationError, Inflation? inflation = null)
    : EnsembleAnalyzer(observationOperator, observationError, inflation)
{
    /// <inheritdoc/>
    public override string Name => "DEnKF";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var members = Inflation.BeforeUpdate(forecast.Members, random);
        var (mean, anomalies, observed, innovation) = ObservedEnsemble.Of(members, observation, ObservationOperator, ObservationError);
        if (Inflation.PriorFactor != 1) (anomalies, observed) = (anomalies * Inflation.PriorFactor, observed * Inflation.PriorFactor);
        // Row 0 moves the mean by K d, the others move the anomalies by -1/2 K Y_i.
        var increments = EnsembleGain.Apply(cat([innovation.unsqueeze(1), -0.5 * observed], 1), observed, anomalies);
        var analysed = anomalies + increments.narrow(1, 1, anomalies.size(1));
        if (Inflation.PosteriorFactor != 1) analysed = analysed * Inflation.PosteriorFactor;
        var analysis = mean.unsqueeze(1) + increments.narrow(1, 0, 1) + analysed;
        analysis = Inflation.AfterUpdate(members, analysis, random);
        return new(UnobservedPlaces.Keep(forecast.Members, analysis, observation).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new DeterministicEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, Inflation);
}

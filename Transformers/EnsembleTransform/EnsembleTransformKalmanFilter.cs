namespace DaML;

/// <summary>
/// The ensemble transform Kalman filter (<see cref="EnsembleTransformKalmanFilterAnalyzer"/>). Lorenz-96 with 20 members needs an
/// inflation of 1.04 on the posterior standard deviation and a rotation.
/// </summary>
[Component("ensemble-transform-kalman-filter-method", 2)]
public sealed record EnsembleTransformKalmanFilter : EnsembleFilter
{
    /// <summary>The rotation of the analysis (default: none).</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    /// <inheritdoc/>
    protected internal override string UsualName => $"ETKF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, Inflation, Rotation);
}

namespace DaML;

/// <summary>
/// The local ensemble transform Kalman filter (<see cref="LocalEnsembleTransformKalmanFilterAnalyzer"/>), for observations with
/// uncorrelated
/// errors. Lorenz-96 with 7 members wants an e-folding radius of 4 sites, an inflation of 1.04 on the posterior standard deviation and a
/// rotation.
/// </summary>
public sealed record LocalEnsembleTransformKalmanFilter : EnsembleFilter
{
    /// <summary>
    /// Where components and observations are and how far an observation reaches. It has no default: both depend on the model, and
    /// the radius on the number of members (they must span the variability within it) and on the length over which errors correlate.
    /// </summary>
    public required Localisation Localisation { get; init; }

    /// <summary>
    /// How the analysis is rotated (default: not at all); with few members a rotation in every cycle costs little and keeps single members
    /// from drifting away.
    /// </summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    /// <inheritdoc/>
    protected internal override string UsualName => $"LETKF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new LocalEnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, Localisation, Inflation, Rotation);
}

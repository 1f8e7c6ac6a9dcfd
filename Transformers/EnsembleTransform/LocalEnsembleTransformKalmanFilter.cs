namespace DaML;

/// <summary>
/// The local ensemble transform Kalman filter (<see cref="LocalEnsembleTransformKalmanFilterAnalyzer"/>), for observations with
/// uncorrelated errors. Lorenz-96 with 7 members needs an e-folding radius of 4 sites, an inflation of 1.04 on the posterior standard
/// deviation and a rotation.
/// </summary>
[Component("local-ensemble-transform-kalman-filter-method", 2)]
public sealed record LocalEnsembleTransformKalmanFilter : EnsembleFilter
{
    /// <summary>
    /// The positions of components and observations, and the reach of an observation. There is no default: both depend on the model. The
    /// radius also depends on the number of members, which must span the variability within it, and on the correlation length of the
    /// errors.
    /// </summary>
    public required Localisation Localisation { get; init; }

    /// <summary>
    /// The rotation of the analysis (default: none); with few members a rotation in every cycle costs little and keeps single members
    /// from drifting away.
    /// </summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    /// <inheritdoc/>
    protected internal override string UsualName => $"LETKF (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new LocalEnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, Localisation, Inflation, Rotation);
}

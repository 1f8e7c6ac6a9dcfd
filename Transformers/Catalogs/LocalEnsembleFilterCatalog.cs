namespace DaML;

/// <summary>Settings of the local ensemble transform Kalman filter.</summary>
public sealed record LocalEnsembleTransformKalmanFilterOptions : EnsembleFilterOptions
{
    /// <summary>
    /// Where components and observations are and how far an observation reaches. It has no default: both depend on the model, and
    /// the radius on the number of members (they must span the variability within it) and on the length over which errors correlate.
    /// </summary>
    public required Localisation Localisation { get; init; }

    /// <summary>None unless said; with few members, a rotation in every cycle costs little and keeps single members from drifting away.</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;
}

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The local ensemble transform Kalman filter.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed, with uncorrelated errors.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="localisation">Where components and observations are and how far an observation reaches; Lorenz-96 with 7 members wants an e-folding radius of 4 sites.</param>
    /// <param name="inflation">None unless said; Lorenz-96 with 7 members wants 1.04 on the posterior standard deviation and a rotation.</param>
    /// <param name="rotation">How the analysis is rotated (default: not at all).</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> LocalEnsembleTransformKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Localisation localisation, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None) =>
        catalog.LocalEnsembleTransformKalmanFilter(dynamics, network, new LocalEnsembleTransformKalmanFilterOptions
        {
            Members = members, Localisation = localisation, Inflation = inflation ?? Inflation.None, Rotation = rotation,
        });

    /// <summary>The local ensemble transform Kalman filter, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed, with uncorrelated errors.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> LocalEnsembleTransformKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, LocalEnsembleTransformKalmanFilterOptions options) =>
        Ensemble(catalog, $"LETKF (N = {options.Members})",
            new LocalEnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, options.Localisation, options.Inflation, options.Rotation), dynamics, network, options);
}

namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The stochastic ensemble Kalman filter.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">None unless said; Lorenz-96 with 40 members wants 1.06 on the posterior standard deviation.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> StochasticEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null) =>
        catalog.StochasticEnsembleKalmanFilter(dynamics, network, new EnsembleFilterOptions { Members = members, Inflation = inflation ?? Inflation.None });

    /// <summary>The stochastic ensemble Kalman filter, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> StochasticEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, EnsembleFilterOptions options) =>
        Ensemble(catalog, $"stochastic EnKF (N = {options.Members})", new StochasticEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, options.Inflation),
            dynamics, network, options);

    /// <summary>The ensemble transform Kalman filter.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">None unless said; Lorenz-96 with 20 members wants 1.04 on the posterior standard deviation and a rotation.</param>
    /// <param name="rotation">How the analysis is rotated (default: not at all).</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> EnsembleTransformKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None) =>
        catalog.EnsembleTransformKalmanFilter(dynamics, network,
            new EnsembleTransformKalmanFilterOptions { Members = members, Inflation = inflation ?? Inflation.None, Rotation = rotation });

    /// <summary>The ensemble transform Kalman filter, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> EnsembleTransformKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, EnsembleTransformKalmanFilterOptions options) =>
        Ensemble(catalog, $"ETKF (N = {options.Members})", new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, options.Inflation, options.Rotation),
            dynamics, network, options);

    /// <summary>The finite-size ensemble Kalman filter, EnKF-N, which needs no inflation against sampling error.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">Of the posterior, against errors that are not of sampling (default: none).</param>
    /// <param name="rotation">How the analysis is rotated (default: not at all).</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> FiniteSizeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None) =>
        catalog.FiniteSizeEnsembleKalmanFilter(dynamics, network,
            new FiniteSizeEnsembleKalmanFilterOptions { Members = members, Inflation = inflation ?? Inflation.None, Rotation = rotation });

    /// <summary>The finite-size ensemble Kalman filter, EnKF-N, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> FiniteSizeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, FiniteSizeEnsembleKalmanFilterOptions options) =>
        Ensemble(catalog, $"EnKF-N (N = {options.Members})",
            new FiniteSizeEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, options.Prior, options.Inflation, options.Rotation, options.Form), dynamics, network, options);

    /// <summary>The deterministic ensemble Kalman filter, DEnKF: no perturbed observations, half the gain for the anomalies.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">None unless said; Lorenz-96 with 40 members wants 1.01 on the posterior standard deviation.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> DeterministicEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null) =>
        catalog.DeterministicEnsembleKalmanFilter(dynamics, network, new EnsembleFilterOptions { Members = members, Inflation = inflation ?? Inflation.None });

    /// <summary>The deterministic ensemble Kalman filter, DEnKF: no perturbed observations, half the gain for the anomalies, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> DeterministicEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, EnsembleFilterOptions options) =>
        Ensemble(catalog, $"DEnKF (N = {options.Members})", new DeterministicEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, options.Inflation),
            dynamics, network, options);

    /// <summary>The serial ensemble square-root filter, EnSRF, which takes one observation after the other.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">None unless said; as the ensemble transform filter.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> SerialSquareRootFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null) =>
        catalog.SerialSquareRootFilter(dynamics, network, new EnsembleFilterOptions { Members = members, Inflation = inflation ?? Inflation.None });

    /// <summary>The serial ensemble square-root filter, EnSRF, which takes one observation after the other, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> SerialSquareRootFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, EnsembleFilterOptions options) =>
        Ensemble(catalog, $"serial EnSRF (N = {options.Members})", new SerialSquareRootFilterAnalyzer(network.Operator, network.Error, options.Inflation),
            dynamics, network, options);
}

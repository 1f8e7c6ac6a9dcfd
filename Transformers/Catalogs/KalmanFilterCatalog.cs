namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The Kalman filter, exact for a linear model and operator; for nonlinear ones it is the extended Kalman filter, which also has a name of its own.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="initial">The distribution of the state at the view's start.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<GaussianMemory>> KalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, GaussianInitialCondition initial, KalmanFilterOptions? options = null) =>
        Gaussian(catalog, "Kalman filter", dynamics, network, initial, options ?? new());

    /// <summary>The extended Kalman filter: model and operator linearised at the mean in every time step.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="initial">The distribution of the state at the view's start.</param>
    /// <param name="options">Settings; null = their defaults. A chaotic model wants a covariance growth per unit of time.</param>
    public static FittedEstimator<SequentialAssimilation<GaussianMemory>> ExtendedKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, GaussianInitialCondition initial, KalmanFilterOptions? options = null) =>
        Gaussian(catalog, "extended Kalman filter", dynamics, network, initial, options ?? new());

    private static FittedEstimator<SequentialAssimilation<GaussianMemory>> Gaussian(AnalysisCatalog catalog, string name, IDynamics dynamics,
        IObservationNetwork network, GaussianInitialCondition initial, KalmanFilterOptions options)
    {
        var triple = new AssimilationTriple<GaussianMemory>(
            new KalmanFilterAnalyzer(network.Operator, network.Error, options.Inflation),
            new GaussianPropagater(dynamics, options.CovarianceGrowthPerTimeUnit), new GaussianProcoder(), new GaussianSource(initial, catalog.Context.Precision));
        return Method(catalog, options.Name ?? name, triple, dynamics, network, options);
    }
}

namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The Kalman filter; for a nonlinear model or operator, the extended Kalman filter.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="initial">The distribution of the state at the view's start.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<GaussianMemory>> KalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, GaussianInitialCondition initial, KalmanFilterOptions? options = null)
    {
        options ??= new();
        var triple = new AssimilationTriple<GaussianMemory>(
            new KalmanFilterAnalyzer(network.Operator, network.Error, options.Inflation),
            new GaussianPropagater(dynamics), new GaussianProcoder(), new GaussianSource(initial, catalog.Context.Precision));
        return Method(catalog, options.Name ?? "Kalman filter", triple, dynamics, network, options);
    }
}

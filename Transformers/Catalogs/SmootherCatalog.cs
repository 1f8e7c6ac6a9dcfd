namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The Rauch-Tung-Striebel smoother of a linear-Gaussian system, with model error or without; of a nonlinear one in first order.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model and, where it has one, its error.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="initial">What is known of the state at the view's start.</param>
    /// <param name="options">Settings of the Kalman filter that goes before; null = their defaults. An inflation of it is no part of a smoother and is refused.</param>
    /// <exception cref="ArgumentException">Parts that do not fit each other, or an inflation.</exception>
    public static FittedEstimator<FixedIntervalSmoother<GaussianMemory>> RauchTungStriebelSmoother(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork network,
        GaussianInitialCondition initial, KalmanFilterOptions? options = null)
    {
        if (options is { } given && (given.Inflation is { VarianceFactor: not 1 } || given.CovarianceGrowthPerTimeUnit != 1))
            throw new ArgumentException("The Rauch-Tung-Striebel smoother goes back by the covariances of the model; a filter whose covariance is inflated has others. Say the model's error instead.", nameof(options));
        var filter = catalog.ExtendedKalmanFilter(dynamics, network, initial, options).Transformer;
        return new FixedIntervalSmoother<GaussianMemory>("Rauch-Tung-Striebel smoother", filter, new RauchTungStriebelStep(dynamics)).AsEstimator();
    }

    /// <summary>An ensemble Kalman smoother over all of a view: any ensemble filter, then back through its ensembles (<see cref="EnsembleSmootherStep"/>), for models with error or without.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="filter">The filter, for instance <c>context.Analysis.EnsembleTransformKalmanFilter(model, network, 40)</c>. Without rotation its members keep belonging together from cycle to cycle.</param>
    public static FittedEstimator<FixedIntervalSmoother<EnsembleMemory>> EnsembleKalmanSmoother(this AnalysisCatalog catalog, FittedEstimator<SequentialAssimilation<EnsembleMemory>> filter) =>
        new FixedIntervalSmoother<EnsembleMemory>($"ensemble Kalman smoother, {filter.Transformer.Name}", filter.Transformer, new EnsembleSmootherStep()).AsEstimator();
}

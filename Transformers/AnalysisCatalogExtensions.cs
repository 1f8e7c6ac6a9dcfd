namespace DaML;

/// <summary>
/// The classical methods, made from <see cref="DataAssimilationContext.Analysis"/>. Each comes as an estimator with nothing
/// to learn, so that it is appended to a pipeline as a learned one is; its <c>Transformer</c> is at hand without a fit.
/// </summary>
public static class AnalysisCatalogExtensions
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
    /// <param name="rotation">None unless said.</param>
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
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> FiniteSizeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members) =>
        catalog.FiniteSizeEnsembleKalmanFilter(dynamics, network, new FiniteSizeEnsembleKalmanFilterOptions { Members = members });

    /// <summary>The finite-size ensemble Kalman filter, EnKF-N, with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<EnsembleMemory>> FiniteSizeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, FiniteSizeEnsembleKalmanFilterOptions options) =>
        Ensemble(catalog, $"EnKF-N (N = {options.Members})",
            new FiniteSizeEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, options.Prior, options.Inflation, options.Rotation), dynamics, network, options);

    /// <summary>3D-Var with a background error covariance that is known; without it, the estimator of the same name learns one.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model; its error, where it has one, is not drawn.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="background">B, of the state's dimension.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<StateMemory>> ThreeDimensionalVariational(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, IErrorCovariance background, ThreeDimensionalVariationalOptions? options = null)
    {
        options ??= new();
        var triple = new AssimilationTriple<StateMemory>(
            new ThreeDimensionalVariationalAnalyzer(network.Operator, network.Error, background),
            new StatePropagater(dynamics), new StateProcoder(), new StateSource(Initial(options.Initial, dynamics), catalog.Context.Precision));
        return Method(catalog, options.Name ?? "3D-Var", triple, dynamics, network, options);
    }

    private static FittedEstimator<SequentialAssimilation<EnsembleMemory>> Ensemble(AnalysisCatalog catalog, string name, IAnalyzer<EnsembleMemory> analyzer,
        IDynamics dynamics, IObservationNetwork network, EnsembleFilterOptions options)
    {
        var triple = new AssimilationTriple<EnsembleMemory>(analyzer, new EnsemblePropagater(dynamics), new EnsembleProcoder(),
            new EnsembleSource(Initial(options.Initial, dynamics), options.Members, catalog.Context.Precision));
        return Method(catalog, options.Name ?? name, triple, dynamics, network, options);
    }

    private static IInitialCondition Initial(IInitialCondition? chosen, IDynamics dynamics)
    {
        var initial = chosen ?? new AttractorInitialCondition(dynamics, 1000 * dynamics.TimeStep);
        return initial.Dimension == dynamics.Dimension ? initial
            : throw new ArgumentException($"The initial condition has dimension {initial.Dimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.");
    }

    private static FittedEstimator<SequentialAssimilation<TMemory>> Method<TMemory>(AnalysisCatalog catalog, string name, AssimilationTriple<TMemory> triple,
        IDynamics dynamics, IObservationNetwork network, AssimilationMethodOptions options) where TMemory : IMemory<TMemory>
    {
        if (network.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException($"The network observes states of dimension {network.Operator.StateDimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(network));
        return new SequentialAssimilation<TMemory>(name, triple, network, catalog.Context,
            new SequentialAssimilationOptions { Stream = options.Stream, DivergenceBound = options.DivergenceBound }).AsEstimator();
    }
}

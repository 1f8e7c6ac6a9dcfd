namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The iterative ensemble Kalman filter, IEnKF: the smoother over a window of one cycle.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, without an error of its own.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="inflation">None unless said; Lorenz-96 with 40 members wants 1.01 on the posterior standard deviation and a rotation.</param>
    /// <param name="rotation">How the analysis is rotated (default: not at all).</param>
    public static FittedEstimator<SequentialAssimilation<WindowMemory<EnsembleMemory>>> IterativeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None) =>
        catalog.IterativeEnsembleKalmanSmoother(dynamics, network,
            new IterativeEnsembleKalmanSmootherOptions { Members = members, Inflation = inflation ?? Inflation.None, Rotation = rotation });

    /// <summary>The iterative ensemble Kalman smoother, IEnKS, over windows of any length.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, without an error of its own.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults, which make it the iterative ensemble Kalman filter.</param>
    public static FittedEstimator<SequentialAssimilation<WindowMemory<EnsembleMemory>>> IterativeEnsembleKalmanSmoother(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, IterativeEnsembleKalmanSmootherOptions? options = null)
    {
        options ??= new();
        options.ObservationUse.Check(options.Window);
        var analyzer = new IterativeEnsembleKalmanSmootherAnalyzer(dynamics, network.Operator, network.Error, options.Iteration, options.ObservationUse,
            options.Inflation, options.Rotation, options.Prior, options.Form);
        string kind = options.Window.Length == 1 ? "IEnKF" : "IEnKS", finite = options.Prior is null ? "" : "-N";
        string window = options.Window.Length switch { 0 => ", no window", 1 => "", var length => $", L = {length}" };
        return Windowed(catalog, $"{kind}{finite} (N = {options.Members}{window})", analyzer, options.Window, dynamics, network, options);
    }

    /// <summary>The iterative ensemble Kalman filter with additive model error, IEnKF-Q.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with the covariance of a time step's error.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<WindowMemory<EnsembleMemory>>> AdditiveErrorIterativeEnsembleKalmanFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, AdditiveErrorEnsembleKalmanFilterOptions? options = null)
    {
        options ??= new();
        var analyzer = new AdditiveErrorEnsembleKalmanFilterAnalyzer(dynamics, network.Operator, network.Error, options.Iteration, options.Inflation, options.Rotation);
        return Windowed(catalog, $"IEnKF-Q (N = {options.Members})", analyzer, WindowCycling.Overlapping(1), dynamics, network, options);
    }

    private static FittedEstimator<SequentialAssimilation<WindowMemory<EnsembleMemory>>> Windowed(AnalysisCatalog catalog, string name,
        IAnalyzer<WindowMemory<EnsembleMemory>> analyzer, WindowCycling window, IDynamics dynamics, IObservationNetwork network, EnsembleFilterOptions options)
    {
        var source = new EnsembleSource(Initial(options.Initial, dynamics), options.Members, catalog.Context.Precision);
        var triple = new AssimilationTriple<WindowMemory<EnsembleMemory>>(analyzer, new WindowPropagater<EnsembleMemory>(new EnsemblePropagater(dynamics)),
            new WindowProcoder<EnsembleMemory>(new EnsembleProcoder()), new WindowSource<EnsembleMemory>(source, window));
        return Method(catalog, options.Name ?? name, triple, dynamics, network, options);
    }
}

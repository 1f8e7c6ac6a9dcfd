namespace DaML;

public static partial class AnalysisCatalogExtensions
{
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

    /// <summary>4D-Var with a background error covariance that is known: incremental, or by a quasi-Newton method where the options say so.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its tangent linear and adjoint; its error, where it has one, counts only by a <see cref="ModelErrorTerm"/>.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="background">B at the windows' beginning, of the state's dimension.</param>
    /// <param name="windows">How windows follow each other, in cycles.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<WindowMemory<StateMemory>>> FourDimensionalVariational(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, IErrorCovariance background, WindowCycling windows, FourDimensionalVariationalOptions? options = null)
    {
        options ??= new();
        if (background.Dimension != dynamics.Dimension)
            throw new ArgumentException($"The background error covariance must have the dimension of {dynamics.Name}, {dynamics.Dimension}; given: {background.Dimension}.", nameof(background));
        var cost = new FourDimensionalVariationalCost(dynamics,
            [new BackgroundTerm(background, options.Control), .. options.Priors], [new ObservationTerm(network.Operator, network.Error), .. options.Terms]);
        var triple = new AssimilationTriple<WindowMemory<StateMemory>>(
            new FourDimensionalVariationalAnalyzer(options.Minimisation.Of(cost), options.Observations, options.Observer),
            new WindowPropagater<StateMemory>(new StatePropagater(dynamics)), new WindowProcoder<StateMemory>(new StateProcoder()),
            new WindowSource<StateMemory>(new StateSource(Initial(options.Initial, dynamics), catalog.Context.Precision), windows));
        return Method(catalog, options.Name ?? WindowName(windows), triple, dynamics, network, options);
    }

    private static string WindowName(WindowCycling windows) => windows.Length == 0 ? "4D-Var (no window)"
        : windows.Shift == windows.Length ? $"4D-Var (L = {windows.Length})" : $"4D-Var (L = {windows.Length}, S = {windows.Shift})";
}

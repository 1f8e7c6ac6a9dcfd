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
}

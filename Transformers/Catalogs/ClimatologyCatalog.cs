namespace DaML;

public static partial class AnalysisCatalogExtensions
{
    /// <summary>A known climatology as a method: forecast and analysis are its mean in every cycle, whatever is observed. What every other method must beat.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="network">What is observed, for the dimensions of the view it is put on.</param>
    /// <param name="climatology">Mean and covariance of the state over a long time.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<GaussianMemory>> Climatology(this AnalysisCatalog catalog, IObservationNetwork network,
        GaussianInitialCondition climatology, AssimilationMethodOptions? options = null) =>
        FromClimatology(catalog, "climatology", new UnobservingAnalyzer<GaussianMemory>(), network, climatology, options ?? new());

    /// <summary>
    /// Optimal interpolation from a known climatology: in every cycle the Kalman analysis of its mean and covariance with the
    /// cycle's observations, and nothing of the cycles before (Gandin 1963). The forecast column is the climatology; a model
    /// forecast from its analyses is <see cref="LeadTimeForecast"/>'s.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="climatology">Mean and covariance of the state over a long time.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FittedEstimator<SequentialAssimilation<GaussianMemory>> OptimalInterpolation(this AnalysisCatalog catalog, IObservationNetwork network,
        GaussianInitialCondition climatology, AssimilationMethodOptions? options = null) =>
        FromClimatology(catalog, "optimal interpolation", new KalmanFilterAnalyzer(network.Operator, network.Error), network, climatology, options ?? new());

    private static FittedEstimator<SequentialAssimilation<GaussianMemory>> FromClimatology(AnalysisCatalog catalog, string name, IAnalyzer<GaussianMemory> analyzer,
        IObservationNetwork network, GaussianInitialCondition climatology, AssimilationMethodOptions options)
    {
        if (network.Operator.StateDimension != climatology.Dimension)
            throw new ArgumentException($"The network observes states of dimension {network.Operator.StateDimension}, but the climatology has dimension {climatology.Dimension}.", nameof(climatology));
        var triple = new AssimilationTriple<GaussianMemory>(analyzer, new ClimatologyPropagater(climatology), new GaussianProcoder(), new GaussianSource(climatology, catalog.Context.Precision));
        return Method(catalog, options.Name ?? name, triple, network, options);
    }
}

namespace DaML;

/// <summary>Variational methods whose background error covariance is learned, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class LearnedBackgroundCatalog
{
    /// <summary>3D-Var with a climatological background error covariance, estimated from the truth of a long run and scaled for the least analysis error.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static ThreeDimensionalVariationalEstimator ThreeDimensionalVariational(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork network,
        ThreeDimensionalVariationalEstimatorOptions? options = null) => new(catalog.Context, dynamics, network, options);

    /// <summary>4D-Var with a climatological background error covariance, estimated from the truth of a long run and scaled for the least analysis error.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="windows">How windows follow each other, in cycles.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static FourDimensionalVariationalEstimator FourDimensionalVariational(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork network,
        WindowCycling windows, FourDimensionalVariationalEstimatorOptions? options = null) => new(catalog.Context, dynamics, network, windows, options);
}

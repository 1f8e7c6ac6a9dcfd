namespace DaML;

/// <summary>Diagnostics that any method or model can be put under, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class DiagnosticsCatalogExtensions
{
    /// <summary>The Kalman gain, and the error covariances that go with it, as a method's analyzer acts them out.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="samples">Number of innovations at each forecast; null = ten times as many as there are observations.</param>
    public static KalmanGainRegression<TMemory> KalmanGain<TMemory>(this TransformCatalog catalog, SequentialAssimilation<TMemory> method,
        IObservationNetwork network, long? samples = null) where TMemory : IMemory<TMemory> =>
        new KalmanGainRegression<TMemory>(method, network, samples);

    /// <summary>How a method's increments grow with the innovation, r(lambda); scored by <see cref="IncrementScalingScore"/>.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="scales">The values of lambda, above zero; null = <see cref="IncrementScalingScore.StandardScales"/>.</param>
    /// <param name="norm">In which norm increments are measured.</param>
    /// <param name="samples">Number of innovations for the regression of P^a at each forecast; null = ten times as many as there are
    /// observations.</param>
    public static IncrementScaling<TMemory> IncrementScaling<TMemory>(this TransformCatalog catalog, SequentialAssimilation<TMemory> method,
        IObservationNetwork network, IReadOnlyList<double>? scales = null, IncrementNorm norm = IncrementNorm.Standardised,
        long? samples = null) where TMemory : IMemory<TMemory> =>
        new IncrementScaling<TMemory>(method, network, scales, norm, samples);

    /// <summary>Adds the covariance that a method's own density has to a view, beside whatever else is run over it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method: an ensemble's, a Kalman filter's.</param>
    /// <param name="into">The column to add.</param>
    public static AnalysisCovariance<TMemory> AnalysisCovariance<TMemory>(this TransformCatalog catalog,
        SequentialAssimilation<TMemory> method, Column into)
        where TMemory : IMemory<TMemory> => new AnalysisCovariance<TMemory>(method, into);

    /// <summary>
    /// Adds the covariance that a method's analyzer acts out, by regression, to a view, beside whatever else is run over it.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method; it may have no covariance of its own.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="into">The column to add.</param>
    /// <param name="samples">Number of innovations at each forecast; null = ten times as many as there are observations.</param>
    public static AnalysisCovariance<TMemory> AnalysisCovariance<TMemory>(this TransformCatalog catalog,
        SequentialAssimilation<TMemory> method,
        IObservationNetwork network, Column into, long? samples = null) where TMemory : IMemory<TMemory> =>
        new AnalysisCovariance<TMemory>(method, network, into, samples);
}

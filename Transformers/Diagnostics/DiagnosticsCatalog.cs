namespace DaML;

/// <summary>Diagnostics for any method or model, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class DiagnosticsCatalogExtensions
{
    /// <summary>Adds the implied Kalman gain of a method's analyzer, and the error covariances that go with it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="samples">The number of innovations at each forecast (default: null, ten times the number of observations).</param>
    public static KalmanGainRegression<TMemory> KalmanGain<TMemory>(this TransformCatalog catalog, SequentialAssimilation<TMemory> method,
        IObservationNetwork network, long? samples = null) where TMemory : IMemory<TMemory> =>
        new KalmanGainRegression<TMemory>(method, network, samples);

    /// <summary>Adds the growth of a method's increments with the innovation, r(lambda); scored by
    /// <see cref="IncrementScalingScore"/>.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="scales">The values of lambda, above zero (default: null, <see cref="IncrementScalingScore.StandardScales"/>).</param>
    /// <param name="norm">The norm of the increments.</param>
    /// <param name="samples">The number of innovations for the regression of P^a at each forecast (default: null, ten times the number of
    /// observations).</param>
    public static IncrementScaling<TMemory> IncrementScaling<TMemory>(this TransformCatalog catalog, SequentialAssimilation<TMemory> method,
        IObservationNetwork network, IReadOnlyList<double>? scales = null, IncrementNorm norm = IncrementNorm.Standardised,
        long? samples = null) where TMemory : IMemory<TMemory> =>
        new IncrementScaling<TMemory>(method, network, scales, norm, samples);

    /// <summary>Adds the covariance of a method's own density to a view, independently of any other method that runs over it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method, for instance an ensemble filter or a Kalman filter.</param>
    /// <param name="into">The column to add.</param>
    public static AnalysisCovariance<TMemory> AnalysisCovariance<TMemory>(this TransformCatalog catalog,
        SequentialAssimilation<TMemory> method, Column into)
        where TMemory : IMemory<TMemory> => new AnalysisCovariance<TMemory>(method, into);

    /// <summary>
    /// Adds the implied covariance of a method's analyzer, by regression, to a view, independently of any other method that runs over it.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method; it may have no covariance of its own.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="into">The column to add.</param>
    /// <param name="samples">The number of innovations at each forecast (default: null, ten times the number of observations).</param>
    public static AnalysisCovariance<TMemory> AnalysisCovariance<TMemory>(this TransformCatalog catalog,
        SequentialAssimilation<TMemory> method,
        IObservationNetwork network, Column into, long? samples = null) where TMemory : IMemory<TMemory> =>
        new AnalysisCovariance<TMemory>(method, network, into, samples);
}

namespace DaML;

/// <summary>Diagnostics that any method or model can be put under, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class DiagnosticsCatalogExtensions
{
    /// <summary>The Kalman gain, and the error covariances that go with it, as a method's analyzer acts them out.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="samples">Number of innovations at each forecast; null = ten times as many as there are observations.</param>
    public static FittedEstimator<KalmanGainRegression<TMemory>> KalmanGain<TMemory>(this TransformCatalog catalog, SequentialAssimilation<TMemory> method,
        IObservationNetwork network, long? samples = null) where TMemory : IMemory<TMemory> =>
        new KalmanGainRegression<TMemory>(method, network, samples).AsEstimator();
}

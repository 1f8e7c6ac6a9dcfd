namespace DaML;

/// <summary>
/// The classical methods by name, made from <see cref="DataAssimilationContext.Analysis"/>: each takes a system and the method's record,
/// which documents its settings.
/// </summary>
public static class AnalysisCatalogExtensions
{
    /// <summary>Any method for a system, for instance one found by its name.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="system">The model, its observations, and its start.</param>
    /// <param name="method">The method.</param>
    public static IEstimator<ITransformer> Method(this AnalysisCatalog catalog, AssimilationSystem system, AssimilationMethod method) =>
        method.For(system, catalog.Context);

    /// <inheritdoc cref="DaML.Climatology"/>
    public static SequentialAssimilation<GaussianMemory> Climatology(this AnalysisCatalog catalog, AssimilationSystem system,
        Climatology? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.OptimalInterpolation"/>
    public static SequentialAssimilation<GaussianMemory> OptimalInterpolation(this AnalysisCatalog catalog, AssimilationSystem system,
        OptimalInterpolation? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.KalmanFilter"/>
    public static SequentialAssimilation<GaussianMemory> KalmanFilter(this AnalysisCatalog catalog, AssimilationSystem system,
        KalmanFilter? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.ExtendedKalmanFilter"/>
    public static SequentialAssimilation<GaussianMemory> ExtendedKalmanFilter(this AnalysisCatalog catalog, AssimilationSystem system,
        ExtendedKalmanFilter? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.StochasticEnsembleKalmanFilter"/>
    public static SequentialAssimilation<EnsembleMemory> StochasticEnsembleKalmanFilter(this AnalysisCatalog catalog,
        AssimilationSystem system,
        StochasticEnsembleKalmanFilter? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.DeterministicEnsembleKalmanFilter"/>
    public static SequentialAssimilation<EnsembleMemory> DeterministicEnsembleKalmanFilter(this AnalysisCatalog catalog,
        AssimilationSystem system,
        DeterministicEnsembleKalmanFilter? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.SerialSquareRootFilter"/>
    public static SequentialAssimilation<EnsembleMemory> SerialSquareRootFilter(this AnalysisCatalog catalog, AssimilationSystem system,
        SerialSquareRootFilter? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.EnsembleTransformKalmanFilter"/>
    public static SequentialAssimilation<EnsembleMemory> EnsembleTransformKalmanFilter(this AnalysisCatalog catalog,
        AssimilationSystem system,
        EnsembleTransformKalmanFilter? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.LocalEnsembleTransformKalmanFilter"/>
    public static SequentialAssimilation<EnsembleMemory> LocalEnsembleTransformKalmanFilter(this AnalysisCatalog catalog,
        AssimilationSystem system,
        LocalEnsembleTransformKalmanFilter method) => method.For(system, catalog.Context);

    /// <inheritdoc cref="Components.BlockwiseAnalysis"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="method">The filter; its inflation must be multiplicative.</param>
    /// <param name="pointsPerBlock">The number of components that are in memory at a time, at least 1; the result does not depend on
    /// it.</param>
    public static Components.BlockwiseAnalysis Blockwise(this AnalysisCatalog catalog, IObservationNetwork network,
        LocalEnsembleTransformKalmanFilter method, int pointsPerBlock = 65_536) => new(catalog.Context, network, method, pointsPerBlock);

    /// <inheritdoc cref="DaML.FiniteSizeEnsembleKalmanFilter"/>
    public static SequentialAssimilation<EnsembleMemory> FiniteSizeEnsembleKalmanFilter(this AnalysisCatalog catalog,
        AssimilationSystem system,
        FiniteSizeEnsembleKalmanFilter? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.AdaptivelyInflatedFilter"/>
    public static SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>> AdaptivelyInflatedFilter(this AnalysisCatalog catalog,
        AssimilationSystem system, AdaptivelyInflatedFilter method) => method.For(system, catalog.Context);

    /// <inheritdoc cref="DaML.IterativeEnsembleKalmanSmoother"/>
    public static SequentialAssimilation<WindowMemory<EnsembleMemory>> IterativeEnsembleKalmanSmoother(this AnalysisCatalog catalog,
        AssimilationSystem system,
        IterativeEnsembleKalmanSmoother? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.AdditiveErrorIterativeEnsembleKalmanFilter"/>
    public static SequentialAssimilation<WindowMemory<EnsembleMemory>> AdditiveErrorIterativeEnsembleKalmanFilter(
        this AnalysisCatalog catalog,
        AssimilationSystem system, AdditiveErrorIterativeEnsembleKalmanFilter? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.ParticleFilter"/>
    public static SequentialAssimilation<ParticleMemory> ParticleFilter(this AnalysisCatalog catalog, AssimilationSystem system,
        ParticleFilter? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.ThreeDimensionalVariational"/>
    public static SequentialAssimilation<StateMemory> ThreeDimensionalVariational(this AnalysisCatalog catalog, AssimilationSystem system,
        ThreeDimensionalVariational method) => method.For(system, catalog.Context);

    /// <inheritdoc cref="DaML.FourDimensionalVariational"/>
    public static SequentialAssimilation<WindowMemory<StateMemory>> FourDimensionalVariational(this AnalysisCatalog catalog,
        AssimilationSystem system,
        FourDimensionalVariational method) => method.For(system, catalog.Context);

    /// <inheritdoc cref="DaML.RauchTungStriebelSmoother"/>
    public static FixedIntervalSmoother<GaussianMemory> RauchTungStriebelSmoother(this AnalysisCatalog catalog, AssimilationSystem system,
        RauchTungStriebelSmoother? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.EnsembleKalmanSmoother"/>
    public static FixedIntervalSmoother<EnsembleMemory> EnsembleKalmanSmoother(this AnalysisCatalog catalog, AssimilationSystem system,
        EnsembleKalmanSmoother method) => method.For(system, catalog.Context);

    /// <inheritdoc cref="DaML.JointEstimation"/>
    public static JointAssimilation JointEstimation(this AnalysisCatalog catalog, AssimilationSystem system, JointEstimation method) =>
        method.For(system, catalog.Context);
}

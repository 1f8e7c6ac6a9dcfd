namespace DaML;

/// <summary>The kinds of component of this room, so that a registry is built without reflection.</summary>
public static class TransformerComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        SequentialAssimilation<StateMemory>.Type, SequentialAssimilation<EnsembleMemory>.Type, SequentialAssimilation<GaussianMemory>.Type,
        SequentialAssimilation<VectorMemory>.Type, SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>>.Type,
        SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>>.Type, AdaptiveInflationAnalyzer.Type,
        CarriedVectorPropagater<EnsembleMemory>.Type, CarriedVectorProcoder<EnsembleMemory>.Type, CarriedVectorSource<EnsembleMemory>.Type,
        CarriedVectorPropagater<StateMemory>.Type, CarriedVectorProcoder<StateMemory>.Type, TangentLinearChannelPropagater.Type, HiddenChannelSource.Type,
        ClimatologyPropagater.Type, UnobservingAnalyzer<StateMemory>.Type, UnobservingAnalyzer<EnsembleMemory>.Type, UnobservingAnalyzer<GaussianMemory>.Type,
        SequentialAssimilation<ParticleMemory>.Type, ParticleFilterAnalyzer.Type, ParticlePropagater.Type, ParticleProcoder.Type, ParticleSource.Type,
        MultiplicativeInflation.Type, AdditiveInflation.Type, RelaxationInflation.Type, CombinedInflation.Type,
        FieldObservation.Type, LeadTimeForecast.Type, ObservationBlocks.Type, LyapunovVectors.Type, JointEstimates.Type, JointNetworks.Type,
        SequentialAssimilation<WindowMemory<EnsembleMemory>>.Type, SequentialAssimilation<WindowMemory<StateMemory>>.Type,
        WindowPropagater<EnsembleMemory>.Type, WindowProcoder<EnsembleMemory>.Type, WindowSource<EnsembleMemory>.Type,
        WindowPropagater<StateMemory>.Type, WindowProcoder<StateMemory>.Type, WindowSource<StateMemory>.Type,
        StatePropagater.Type, EnsemblePropagater.Type, GaussianPropagater.Type,
        StateProcoder.Type, EnsembleProcoder.Type, GaussianProcoder.Type,
        StateSource.Type, EnsembleSource.Type, GaussianSource.Type,
        KalmanFilterAnalyzer.Type, StochasticEnsembleKalmanFilterAnalyzer.Type, EnsembleTransformKalmanFilterAnalyzer.Type,
        DeterministicEnsembleKalmanFilterAnalyzer.Type, SerialSquareRootFilterAnalyzer.Type,
        FiniteSizeEnsembleKalmanFilterAnalyzer.Type, ThreeDimensionalVariationalAnalyzer.Type,
        FourDimensionalVariationalAnalyzer.Type, IncrementalFourDimensionalVariational.Type, QuasiNewtonFourDimensionalVariational.Type, FourDimensionalVariationalCost.Type,
        BackgroundTerm.Type, ModelErrorTerm.Type, ObservationTerm.Type, DigitalFilterTerm.Type,
        ConjugateGradientSolver.Type, LanczosSolver.Type, NoPreconditioning.Type, RitzPreconditioning.Type,
        SplitSolver.Type, SpectralPreconditioning.Type, SpectralPreconditioning.EarlierType, LimitedMemoryPreconditioning.Type, QuasiNewtonPreconditioning.Type, TwoLevelPreconditioning.Type,
        CovariancePreconditioning.Type, RegularisedInversePreconditioning.Type, ComputedEigenpairs.Type, RecycledEigenpairs.Type, FixedEigenpairs.Type,
        IterativeEnsembleKalmanSmootherAnalyzer.Type, AdditiveErrorEnsembleKalmanFilterAnalyzer.Type,
        FixedIntervalSmoother<GaussianMemory>.Type, FixedIntervalSmoother<EnsembleMemory>.Type, RauchTungStriebelStep.Type, EnsembleSmootherStep.Type,
        LocalEnsembleTransformKalmanFilterAnalyzer.Type, Localisation.Type, LocalisationGeometry.Type, StandardTaper.Type,
    ];
}

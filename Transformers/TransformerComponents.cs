namespace DaML.Components;

/// <summary>The kinds of component in this assembly that model files may hold.</summary>
public static class TransformerComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        Localisation.Type, LocalisationGeometry.Type,
        Inflation.OnceTwoSettings<EnsembleTransformKalmanFilterAnalyzer>(),
        Inflation.OnceTwoSettings<StochasticEnsembleKalmanFilterAnalyzer>(),
        Inflation.OnceTwoSettings<KalmanFilterAnalyzer>(), Inflation.OnceTwoSettings<FiniteSizeEnsembleKalmanFilterAnalyzer>(),
        .. ComponentType.Of(
            typeof(DeterministicEnsembleKalmanFilter), typeof(SerialSquareRootFilter), typeof(StochasticEnsembleKalmanFilter),
            typeof(AdaptivelyInflatedFilter), typeof(EnsembleTransformKalmanFilter), typeof(FiniteSizeEnsembleKalmanFilter),
            typeof(LocalEnsembleTransformKalmanFilter), typeof(ParticleFilter), typeof(Climatology), typeof(OptimalInterpolation),
            typeof(KalmanFilter), typeof(ExtendedKalmanFilter), typeof(ThreeDimensionalVariational), typeof(FourDimensionalVariational),
            typeof(IterativeEnsembleKalmanSmoother), typeof(AdditiveErrorIterativeEnsembleKalmanFilter),
            typeof(RauchTungStriebelSmoother), typeof(EnsembleKalmanSmoother), typeof(JointEstimation), typeof(JointAssimilation),
            typeof(KnownBackground), typeof(IncrementalOptions), typeof(QuasiNewtonOptions),
            typeof(SequentialAssimilation<StateMemory>), typeof(SequentialAssimilation<EnsembleMemory>),
            typeof(SequentialAssimilation<GaussianMemory>), typeof(SequentialAssimilation<VectorMemory>),
            typeof(SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>>),
            typeof(SequentialAssimilation<ProductMemory<EnsembleMemory, VectorMemory>>), typeof(SequentialAssimilation<ParticleMemory>),
            typeof(SequentialAssimilation<WindowMemory<EnsembleMemory>>), typeof(SequentialAssimilation<WindowMemory<StateMemory>>),
            typeof(WindowPropagater<EnsembleMemory>), typeof(WindowProcoder<EnsembleMemory>), typeof(WindowSource<EnsembleMemory>),
            typeof(WindowPropagater<StateMemory>), typeof(WindowProcoder<StateMemory>), typeof(WindowSource<StateMemory>),
            typeof(CarriedVectorPropagater<EnsembleMemory>), typeof(CarriedVectorProcoder<EnsembleMemory>),
            typeof(CarriedVectorSource<EnsembleMemory>), typeof(CarriedVectorPropagater<StateMemory>),
            typeof(CarriedVectorProcoder<StateMemory>),
            typeof(StatePropagater), typeof(EnsemblePropagater), typeof(GaussianPropagater), typeof(ParticlePropagater),
            typeof(StateProcoder), typeof(EnsembleProcoder), typeof(GaussianProcoder), typeof(ParticleProcoder),
            typeof(StateSource), typeof(EnsembleSource), typeof(GaussianSource), typeof(ParticleSource),
            typeof(TangentLinearChannelPropagater), typeof(HiddenChannelSource), typeof(ClimatologyPropagater),
            typeof(UnobservingAnalyzer<StateMemory>), typeof(UnobservingAnalyzer<EnsembleMemory>),
            typeof(UnobservingAnalyzer<GaussianMemory>),
            typeof(DeterministicEnsembleKalmanFilterAnalyzer), typeof(SerialSquareRootFilterAnalyzer),
            typeof(LocalEnsembleTransformKalmanFilterAnalyzer), typeof(StandardTaper), typeof(AdaptiveInflationAnalyzer),
            typeof(IterativeEnsembleKalmanSmootherAnalyzer), typeof(AdditiveErrorEnsembleKalmanFilterAnalyzer),
            typeof(ParticleFilterAnalyzer),
            typeof(MultiplicativeInflation), typeof(AdditiveInflation), typeof(RelaxationInflation), typeof(CombinedInflation),
            typeof(FixedIntervalSmoother<GaussianMemory>), typeof(FixedIntervalSmoother<EnsembleMemory>),
            typeof(RauchTungStriebelStep), typeof(EnsembleSmootherStep),
            typeof(LyapunovVectors), typeof(FieldObservation), typeof(LeadTimeForecast), typeof(ObservationBlocks),
            typeof(JointEstimates), typeof(JointNetworks),
            typeof(ThreeDimensionalVariationalAnalyzer), typeof(FourDimensionalVariationalAnalyzer),
            typeof(IncrementalFourDimensionalVariational), typeof(QuasiNewtonFourDimensionalVariational),
            typeof(FourDimensionalVariationalCost),
            typeof(BackgroundTerm), typeof(ModelErrorTerm), typeof(ObservationTerm), typeof(DigitalFilterTerm),
            typeof(ConjugateGradientSolver), typeof(LanczosSolver), typeof(SplitSolver),
            typeof(NoPreconditioning), typeof(RitzPreconditioning), typeof(SpectralPreconditioning), typeof(LimitedMemoryPreconditioning),
            typeof(QuasiNewtonPreconditioning), typeof(TwoLevelPreconditioning), typeof(CovariancePreconditioning),
            typeof(RegularisedInversePreconditioning), typeof(FixedEigenpairs), typeof(ComputedEigenpairs), typeof(RecycledEigenpairs)),
    ];
}

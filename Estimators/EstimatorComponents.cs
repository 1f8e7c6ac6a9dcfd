namespace DaML.Components;

/// <summary>The kinds of component in this assembly that model files may hold.</summary>
public static class EstimatorComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        ResidualConvolutionNetwork.Type, ResidualConvolutionNetwork.MemoryType, ResidualConvolutionNetwork.EnsembleType,
        InnovationLinearNetwork.Type,
        .. UncertaintyOf<StateMemory>(), .. UncertaintyOf<ProductMemory<StateMemory, VectorMemory>>(),
        .. ComponentType.Of(
            typeof(ResidualConvolutionWithMemory), typeof(ResidualConvolution), typeof(InnovationLinear), typeof(EnsembleConvolution),
            typeof(LearnedAnalyzer<StateMemory>), typeof(LearnedAnalyzer<EnsembleMemory>),
            typeof(LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>), typeof(FieldNetwork),
            typeof(SeasonalCycle), typeof(SeasonalCycleTransformer), typeof(ProperOrthogonalDecomposition),
            typeof(ProperOrthogonalDecompositionTransformer), typeof(ProperOrthogonalDecompositionReconstruction),
            typeof(ReconstructionOperator), typeof(LinearInverseModel),
            typeof(LearnedEigenpairs), typeof(HessianInputs), typeof(SpectralHessianNetwork), typeof(TransportedHessianNetwork),
            typeof(ObservedHessianNetwork), typeof(UNet),
            typeof(NetworkAnalyzer), typeof(NetworkPropagater), typeof(NetworkProcoder), typeof(NetworkTriple), typeof(ReZeroNetwork),
            typeof(ZeroMemorySource), typeof(Emulator), typeof(LaggedStates), typeof(LongShortTermMemoryNetwork),
            typeof(AutoregressiveEmulator), typeof(AutoregressiveModel), typeof(AutoregressiveForecast)),
    ];

    private static IReadOnlyList<ComponentType> UncertaintyOf<TMemory>() where TMemory : IMemory<TMemory> => ComponentType.Of(
        typeof(SequentialAssimilation<CovarianceMemory<TMemory>>), typeof(CovarianceAnalyzer<TMemory>),
        typeof(CovariancePropagater<TMemory>), typeof(CovarianceProcoder<TMemory>), typeof(CovarianceSource<TMemory>),
        typeof(InnovationJacobian<TMemory>));
}

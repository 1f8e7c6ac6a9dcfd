namespace DaML;

/// <summary>The kinds of component of this room that model files may hold.</summary>
public static class EstimatorComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        LearnedAnalyzer.Type, LearnedEnsembleAnalyzer.Type, HiddenChannelAnalyzer.Type,
        ResidualConvolutionNetwork.Type, ResidualConvolutionMemoryNetwork.Type, EnsembleConvolutionNetwork.Type, InnovationLinearNetwork.Type, FieldNetwork.Type,
        .. UncertaintyOf<StateMemory>(), .. UncertaintyOf<ProductMemory<StateMemory, VectorMemory>>(),
        SeasonalCycle.Type, SeasonalCycleTransformer.Type,
        ProperOrthogonalDecomposition.Type, ProperOrthogonalDecompositionTransformer.Type, ProperOrthogonalDecompositionReconstruction.Type,
        ReconstructionOperator.Type, LinearInverseModel.Type,
        LearnedEigenpairs.Type, HessianInputs.Type, SpectralHessianNetwork.Type, TransportedHessianNetwork.Type, ObservedHessianNetwork.Type, UNet.Type,
        NetworkAnalyzer.Type, NetworkPropagater.Type, NetworkProcoder.Type, NetworkTriple.Type, ReZeroNetwork.Type, ZeroMemorySource.Type, Emulator.Type,
        LaggedStates.Type, LongShortTermMemoryNetwork.Type, AutoregressiveEmulator.Type, AutoregressiveModel.Type, AutoregressiveForecast.Type,
    ];

    private static IEnumerable<ComponentType> UncertaintyOf<TMemory>() where TMemory : IMemory<TMemory> =>
    [
        SequentialAssimilation<CovarianceMemory<TMemory>>.Type, CovarianceAnalyzer<TMemory>.Type, CovariancePropagater<TMemory>.Type, CovarianceProcoder<TMemory>.Type,
        CovarianceSource<TMemory>.Type, InnovationJacobian<TMemory>.Type,
    ];
}

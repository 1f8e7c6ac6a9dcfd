namespace DaML;

/// <summary>The kinds of component of this room that model files may hold.</summary>
public static class EstimatorComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        LearnedAnalyzer.Type, LearnedEnsembleAnalyzer.Type, HiddenChannelAnalyzer.Type,
        ResidualConvolutionNetwork.Type, ResidualConvolutionMemoryNetwork.Type, EnsembleConvolutionNetwork.Type, InnovationLinearNetwork.Type, FieldNetwork.Type,
        SeasonalCycle.Type, SeasonalCycleTransformer.Type,
        ProperOrthogonalDecomposition.Type, ProperOrthogonalDecompositionTransformer.Type, ProperOrthogonalDecompositionReconstruction.Type,
        ReconstructionOperator.Type, LinearInverseModel.Type,
        NetworkAnalyzer.Type, NetworkPropagater.Type, NetworkProcoder.Type, ZeroMemorySource.Type,
    ];
}

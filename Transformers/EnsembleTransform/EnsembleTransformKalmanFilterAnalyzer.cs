using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the ensemble transform Kalman filter with the symmetric square root (Bishop et al. 2001; Wang et al. 2004; Hunt et al.
/// 2007), deterministic except for the optional rotation.
/// </summary>
/// <param name="observationOperator">H, which may be nonlinear.</param>
/// <param name="observationError">R, of the operator's observation dimension.</param>
/// <param name="inflation">The inflation (default: none). A prior inflation enters as the weight of the prior precision, so the
/// ensemble is observed before it is inflated.</param>
/// <param name="rotation">The rotation of the analysis (default: none).</param>
/// <exception cref="ArgumentException">Operator and error covariance do not match, or inflation and rotation do not.</exception>
[Component("ensemble-transform-kalman-filter", 2)]
public sealed class EnsembleTransformKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
    [Saved("error")] IErrorCovariance observationError, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None)
    : EnsembleAnalyzer(observationOperator, observationError, inflation, rotation), ISideBySideAnalyzer<EnsembleMemory>
{
    /// <inheritdoc/>
    public override string Name => "ETKF";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
        new(EnsembleTransform.Analyze(forecast.Members, observation, ObservationOperator, ObservationError, Weight(forecast), Inflation,
            Rotation, random));

    ICyclesSideBySide<EnsembleMemory>? ISideBySideAnalyzer<EnsembleMemory>.SideBySide(IPropagater<EnsembleMemory> propagater,
        EnsembleMemory start) =>
        EnsembleCyclesSettings.CyclesOf(propagater, start, ObservationOperator, ObservationError, Weight(start), Inflation, Rotation);

    private PriorWeight Weight(EnsembleMemory forecast) =>
        PriorWeight.Fixed((forecast.Members.size(1) - 1) / (Inflation.PriorFactor * Inflation.PriorFactor));

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, Inflation, Rotation);
}

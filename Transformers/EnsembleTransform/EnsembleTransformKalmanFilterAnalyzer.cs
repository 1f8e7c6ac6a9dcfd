using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the ensemble transform Kalman filter with the symmetric square root (Bishop et al. 2001; Wang et al. 2004; Hunt et al.
/// 2007), deterministic except for the optional rotation.
/// </summary>
[Component("ensemble-transform-kalman-filter", 2)]
public sealed class EnsembleTransformKalmanFilterAnalyzer : IInflatingAnalyzer<EnsembleMemory>
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly Inflation inflation;
    private readonly EnsembleRotation rotation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="inflation">The inflation (default: none). A prior inflation enters as the weight of the prior precision, so the
    /// ensemble is observed before it is inflated.</param>
    /// <param name="rotation">The rotation of the analysis (default: none).</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not match, or inflation and rotation do not.</exception>
    public EnsembleTransformKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.inflation = (inflation ?? Inflation.None).With(rotation);
        this.rotation = rotation;
    }

    /// <inheritdoc/>
    public string Name => "ETKF";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        double prior = inflation.PriorFactor;
        var weight = PriorWeight.Fixed((forecast.Members.size(1) - 1) / (prior * prior));
        return new(EnsembleTransform.Analyze(forecast.Members, observation, observationOperator, observationError, weight, inflation,
            rotation, random));
    }

    double? IInflatingAnalyzer<EnsembleMemory>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    EnsembleMemory IInflatingAnalyzer<EnsembleMemory>.Lowered(EnsembleMemory analysis, Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    public IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error, inflation, rotation);
}

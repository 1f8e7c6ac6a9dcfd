using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the Kalman filter. With a nonlinear observation operator, which is linearised at the forecast's mean, it is that of
/// the extended Kalman filter.
/// </summary>
[Component("kalman-filter", 2)]
public sealed class KalmanFilterAnalyzer : IInflatingAnalyzer<GaussianMemory>
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly MultiplicativeInflation inflation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="inflation">The inflation of the covariance, by a factor (default: none).</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
    public KalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, MultiplicativeInflation? inflation = null)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.inflation = inflation ?? Inflation.None;
    }

    /// <inheritdoc/>
    public string Name => "Kalman filter";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    public GaussianMemory Analyze(GaussianMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var root = inflation.PriorFactor == 1 ? forecast.Root : inflation.PriorFactor * forecast.Root;
        var analysis = KalmanUpdate.Apply(GaussianMemory.OfRoot(forecast.Mean, root), observation, observationOperator, observationError);
        root = inflation.PosteriorFactor == 1 ? analysis.Root : inflation.PosteriorFactor * analysis.Root;
        root = UnobservedPlaces.Keep(forecast.Root, root, observation);
        return GaussianMemory.OfRoot(analysis.Mean.MoveToOuterDisposeScope(), root.MoveToOuterDisposeScope());
    }

    double? IInflatingAnalyzer<GaussianMemory>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    GaussianMemory IInflatingAnalyzer<GaussianMemory>.Lowered(GaussianMemory analysis, Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    public IAnalyzer<GaussianMemory> For(IObservationNetwork network) =>
        new KalmanFilterAnalyzer(network.Operator, network.Error, inflation);
}

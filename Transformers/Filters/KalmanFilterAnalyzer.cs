using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The analysis of the Kalman filter; with a nonlinear observation operator, which is linearised at the forecast's mean,
/// that of the extended Kalman filter.
/// </summary>
public sealed class KalmanFilterAnalyzer : IAnalyzer<GaussianMemory>, IComponent
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly MultiplicativeInflation inflation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="inflation">Of the covariance, by a factor; none unless said.</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not fit each other.</exception>
    public KalmanFilterAnalyzer(IObservationOperator observationOperator, IErrorCovariance observationError, MultiplicativeInflation? inflation = null)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.inflation = inflation ?? Inflation.None;
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("kalman-filter", 2, reader =>
        new KalmanFilterAnalyzer(reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"), Inflation.Load(reader) as MultiplicativeInflation
                ?? throw new ArgumentException("A covariance is inflated by a factor only.")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => "Kalman filter";

    /// <inheritdoc/>
    public GaussianMemory Analyze(GaussianMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var prior = GaussianMemory.OfRoot(forecast.Mean, Inflated(forecast.Mean, forecast.Root, inflation.PriorFactor, observation));
        var analysis = KalmanUpdate.Apply(prior, observation, observationOperator, observationError);
        var root = Inflated(analysis.Mean, analysis.Root, inflation.PosteriorFactor, observation);
        return GaussianMemory.OfRoot(analysis.Mean.MoveToOuterDisposeScope(), root.MoveToOuterDisposeScope());
    }

    // Along what the observations see of the rows.
    private Tensor Inflated(Tensor mean, Tensor root, double factor, Observation observation) => factor == 1 ? root
        : ObservedDirections.Inflate(root, KalmanUpdate.Observed(mean, root, observation.Mask, observationOperator, observationError), factor);

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("operator", observationOperator);
        writer.Part("error", observationError);
        inflation.Save(writer);
    }
}

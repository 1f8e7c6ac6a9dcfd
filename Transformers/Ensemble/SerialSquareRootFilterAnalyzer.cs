using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The serial ensemble square-root filter, EnSRF (Whitaker and Hamill 2002, Mon. Wea. Rev. 130, 1913-1924): observations are assimilated
/// one after the other, each by a scalar division, in the order in which the network lists them. Correlated errors are whitened first, so
/// R may be full. With a nonlinear operator the members are observed once, before the first observation is assimilated, and their
/// observations are updated along with the members. With a linear operator, mean and covariance are those of the ETKF.
/// </summary>
[Component("serial-square-root-filter")]
public sealed class SerialSquareRootFilterAnalyzer : IInflatingAnalyzer<EnsembleMemory>
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly Inflation inflation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="inflation">The inflation (default: none). A prior inflation is applied after the ensemble is observed.</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
    public SerialSquareRootFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, Inflation? inflation = null)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.inflation = inflation ?? Inflation.None;
    }

    /// <inheritdoc/>
    public string Name => "serial EnSRF";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var members = inflation.BeforeUpdate(forecast.Members, random);
        var (mean, anomalies, observed, innovation) = ObservedEnsemble.Of(members, observation, observationOperator, observationError);
        var (transform, weights) = SerialUpdate.Solve(inflation.PriorFactor == 1 ? observed : observed * inflation.PriorFactor, innovation);
        // (T + 1 w^T) X, X inflated
        var left = inflation.PriorFactor * (inflation.PosteriorFactor * transform + weights.unsqueeze(-2));
        var analysis = mean.unsqueeze(1) + left.bmm(anomalies);
        analysis = inflation.AfterUpdate(members, analysis, random);
        return new(UnobservedPlaces.Keep(forecast.Members, analysis, observation).MoveToOuterDisposeScope());
    }

    double? IInflatingAnalyzer<EnsembleMemory>.LargestLift => inflation.Widens ? LargestLift.OfGivenFactors : null;

    EnsembleMemory IInflatingAnalyzer<EnsembleMemory>.Lowered(EnsembleMemory analysis, Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);

    /// <inheritdoc/>
    public IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new SerialSquareRootFilterAnalyzer(network.Operator, network.Error, inflation);
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The serial ensemble square-root filter, EnSRF (Whitaker and Hamill 2002, Mon. Wea. Rev. 130, 1913-1924): observations are assimilated
/// one after the other, each by a scalar division, in the order in which the network lists them. Correlated errors are whitened first, so
/// R may be full. With a nonlinear operator the members are observed once, before the first observation is assimilated, and their
/// observations are updated along with the members. With a linear operator, mean and covariance are those of the ETKF.
/// </summary>
/// <param name="observationOperator">H, which may be nonlinear.</param>
/// <param name="observationError">R, of the operator's observation dimension.</param>
/// <param name="inflation">The inflation (default: none). A prior inflation is applied after the ensemble is observed.</param>
/// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
[Component("serial-square-root-filter")]
public sealed class SerialSquareRootFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
    [Saved("error")] IErrorCovariance observationError, Inflation? inflation = null)
    : EnsembleAnalyzer(observationOperator, observationError, inflation)
{
    /// <inheritdoc/>
    public override string Name => "serial EnSRF";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var members = Inflation.BeforeUpdate(forecast.Members, random);
        var (mean, anomalies, observed, innovation) = ObservedEnsemble.Of(members, observation, ObservationOperator, ObservationError);
        var (transform, weights) = SerialUpdate.Solve(Inflation.PriorFactor == 1 ? observed : observed * Inflation.PriorFactor, innovation);
        // (T + 1 w^T) X, X inflated
        var left = Inflation.PosteriorFactor * transform + weights.unsqueeze(-2);
        if (Inflation.PriorFactor != 1) left = Inflation.PriorFactor * left;
        var analysis = left.baddbmm(anomalies, mean.unsqueeze(1));
        analysis = Inflation.AfterUpdate(members, analysis, random);
        return new(UnobservedPlaces.Keep(forecast.Members, analysis, observation).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new SerialSquareRootFilterAnalyzer(network.Operator, network.Error, Inflation);
}

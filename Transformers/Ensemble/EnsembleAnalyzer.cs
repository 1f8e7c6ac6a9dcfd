using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>What the analyzers of the ensemble filters have in common: operator, error covariance, inflation and rotation.</summary>
public abstract class EnsembleAnalyzer : IInflatingAnalyzer<EnsembleMemory>
{
    private protected EnsembleAnalyzer(IObservationOperator observationOperator, IErrorCovariance observationError, Inflation? inflation,
        EnsembleRotation rotation = EnsembleRotation.None)
    {
        ObservingSystem.Check(observationOperator, observationError);
        ObservationOperator = observationOperator;
        ObservationError = observationError;
        Inflation = (inflation ?? Inflation.None).With(rotation);
        Rotation = rotation;
    }

    private protected IObservationOperator ObservationOperator { get; }

    private protected IErrorCovariance ObservationError { get; }

    private protected Inflation Inflation { get; }

    private protected EnsembleRotation Rotation { get; }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public IObservationOperator Observes => ObservationOperator;

    /// <inheritdoc/>
    public abstract EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random);

    /// <inheritdoc/>
    public abstract IAnalyzer<EnsembleMemory> For(IObservationNetwork network);

    double? IInflatingAnalyzer<EnsembleMemory>.LargestLift => Inflation.Widens ? LargestLift.OfGivenFactors : null;

    EnsembleMemory IInflatingAnalyzer<EnsembleMemory>.Lowered(EnsembleMemory analysis, Tensor factor) =>
        UnobservedPlaces.Lowered(analysis, factor);
}

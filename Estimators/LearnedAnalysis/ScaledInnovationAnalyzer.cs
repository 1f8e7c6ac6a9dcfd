using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// What analyzers that a network makes have in common: it is given the forecast and H^T R^-1 (y - H x_f), in its own precision.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
/// <typeparam name="TNetwork">What the network takes and gives.</typeparam>
public abstract class ScaledInnovationAnalyzer<TMemory, TNetwork> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
    where TNetwork : nn.Module
{
    private protected ScaledInnovationAnalyzer(string name, IObservationOperator observationOperator, IErrorCovariance observationError,
        TNetwork network, TrainingHistory? history)
    {
        if (observationOperator.ObservationDimension != observationError.Dimension)
            throw new ArgumentException(
                $"The observation error covariance must have the dimension of the observations, " +
                    $"{observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        observationError.Invertible($"The observation error covariance R of '{observationOperator.Name}'",
            "a learned analysis weights innovations by R^-1",
            "Give every observation an error variance above zero; a mask says which are missing.");
        (Name, Operator, Error, Network, History) = (name, observationOperator, observationError, network, history);
        Precision = ModuleState.PrecisionOf(network, ScalarType.Float32);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>H.</summary>
    public IObservationOperator Operator { get; }

    IObservationOperator IAnalyzer<TMemory>.Observes => Operator;

    /// <summary>R.</summary>
    public IErrorCovariance Error { get; }

    /// <summary>The network; not to be changed.</summary>
    public TNetwork Network { get; }

    /// <summary>How it was trained; null where it was not trained here.</summary>
    public TrainingHistory? History { get; }

    /// <inheritdoc/>
    public bool TakesErrorScale => true;

    private protected ScalarType Precision { get; }

    /// <inheritdoc/>
    /// <remarks>The network is given H^T R^-1 (y - H x_f) of whatever observed the cycle; it is as good as what it was trained with is like
    /// that.</remarks>
    public IAnalyzer<TMemory> For(IObservationNetwork network) => this;

    /// <inheritdoc/>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var scaled = AnalysisStatistics.ScaledInnovation(observation.Network?.Operator ?? Operator, observation.Network?.Error
            ?? Error, State(forecast), observation);
        return Analyze(forecast, scaled).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    /// <summary>The posterior memory, of the prior one's precision; differentiable in the innovation.</summary>
    /// <param name="forecast">The prior memory.</param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    public abstract TMemory Analyze(TMemory forecast, Tensor scaledInnovation);

    // x_f, the state that is compared with the observation, [batch, n].
    private protected abstract Tensor State(TMemory forecast);
}

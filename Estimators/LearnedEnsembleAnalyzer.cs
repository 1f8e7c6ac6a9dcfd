using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// An analysis of an ensemble that a network has learned, E_a = E_f + a(E_f, H^T R^-1 (y - H x_f)), x_f the ensemble's mean
/// (Bocquet et al. 2024, eq. 2). It is frozen, so several threads may use it at once.
/// </summary>
public sealed class LearnedEnsembleAnalyzer : IAnalyzer<EnsembleMemory>, IComponent
{
    private readonly ScalarType precision;

    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, members, n]</c>, H^T R^-1 innovation of the mean <c>[batch, n]</c>) -> increments
    /// <c>[batch, members, n]</c>; it belongs to the analyzer from now on. To be saved it must be an <see cref="IComponent"/>.</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public LearnedEnsembleAnalyzer(string name, IObservationOperator observationOperator, IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor> network, TrainingHistory? history = null)
    {
        if (observationOperator.ObservationDimension != observationError.Dimension)
            throw new ArgumentException($"The observation error covariance must have the dimension of the observations, {observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        (Name, Operator, Error, Network, History) = (name, observationOperator, observationError, network, history);
        ModuleState.Freeze(network);
        precision = network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("learned-ensemble-analyzer", 1, reader =>
        new LearnedEnsembleAnalyzer(reader.Get<string>("name"), reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"),
            reader.Part<nn.Module<Tensor, Tensor, Tensor>>("network"), reader.History()));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>H.</summary>
    public IObservationOperator Operator { get; }

    /// <summary>R.</summary>
    public IErrorCovariance Error { get; }

    /// <summary>The network a; not to be changed.</summary>
    public nn.Module<Tensor, Tensor, Tensor> Network { get; }

    /// <summary>How it was trained; null where it was not trained here.</summary>
    public TrainingHistory? History { get; }

    /// <inheritdoc/>
    public bool TakesErrorScale => true;

    /// <inheritdoc/>
    public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
        new(Update(Network, precision, Operator, Error, forecast.Members, observation));

    /// <summary>E_f + a(E_f, H^T R^-1 (y - H x_f)), of the forecast's precision; the network computes in its own.</summary>
    internal static Tensor Update(nn.Module<Tensor, Tensor, Tensor> network, ScalarType precision, IObservationOperator observationOperator, IErrorCovariance observationError,
        Tensor forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        var scaled = LearnedAnalyzer.ScaledInnovation(observationOperator, observationError, forecast.mean([1]), observation);
        var increments = network.call(forecast.to(precision), scaled.to(precision)).to(forecast.dtype);
        return (forecast + Require.Shape(increments, $"The increments of {network.GetName()}", forecast.shape)).MoveToOuterDisposeScope();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("name", Name);
        writer.Part("operator", Operator);
        writer.Part("error", Error);
        writer.Part("network", Network);
        writer.History(History);
    }

    /// <summary>The analyzer while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="network">The network.</param>
    /// <param name="observing">H and R.</param>
    internal sealed class InTraining(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing) : IAnalyzer<EnsembleMemory>
    {
        private readonly ScalarType precision = network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);

        public string Name => name;
        public bool TakesErrorScale => true;

        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
            new(Update(network, precision, observing.Operator, observing.Error, forecast.Members, observation));
    }
}

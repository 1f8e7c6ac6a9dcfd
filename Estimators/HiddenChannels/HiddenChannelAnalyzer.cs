using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A learned analysis that remembers: (x_a, h_a) from (x_f, H^T R^-1 (y - H x_f), h_f), where h are hidden channels at the sites
/// of the state. The <see cref="LearnedAnalyzer"/> with a memory of more than one state. It is frozen, so several threads may
/// use it at once.
/// </summary>
public sealed class HiddenChannelAnalyzer : IScaledInnovationAnalyzer<ProductMemory<StateMemory, VectorMemory>>, IComponent
{
    private readonly ScalarType precision;

    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>, hidden channels <c>[batch, k, n]</c>)
    /// -> (increment <c>[batch, n]</c>, hidden channels <c>[batch, k, n]</c>); it belongs to the analyzer from now on. To be saved it
    /// must be an <see cref="IComponent"/>.</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public HiddenChannelAnalyzer(string name, IObservationOperator observationOperator, IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network, TrainingHistory? history = null)
    {
        if (observationOperator.ObservationDimension != observationError.Dimension)
            throw new ArgumentException($"The observation error covariance must have the dimension of the observations, {observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        (Name, Operator, Error, Network, History) = (name, observationOperator, observationError, network, history);
        ModuleState.Freeze(network);
        precision = PrecisionOf(network);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("hidden-channel-analyzer", 1, reader => new HiddenChannelAnalyzer(
        reader.Get<string>("name"), reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"),
        reader.Part<nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)>>("network"), reader.History()));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>H.</summary>
    public IObservationOperator Operator { get; }

    /// <summary>R.</summary>
    public IErrorCovariance Error { get; }

    /// <summary>The network; not to be changed.</summary>
    public nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> Network { get; }

    /// <summary>How it was trained; null where it was not trained here.</summary>
    public TrainingHistory? History { get; }

    /// <inheritdoc/>
    public bool TakesErrorScale => true;

    /// <inheritdoc/>
    public ProductMemory<StateMemory, VectorMemory> Analyze(ProductMemory<StateMemory, VectorMemory> forecast, Observation observation, RandomStream random) =>
        Update(Network, precision, Operator, Error, forecast, observation);

    /// <inheritdoc/>
    public ProductMemory<StateMemory, VectorMemory> Analyze(ProductMemory<StateMemory, VectorMemory> forecast, Tensor scaledInnovation) => Update(Network, precision, forecast, scaledInnovation);

    /// <summary>The analysis, of the forecast's precision; the network computes in its own.</summary>
    internal static ProductMemory<StateMemory, VectorMemory> Update(nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network, ScalarType precision,
        IObservationOperator observationOperator, IErrorCovariance observationError, ProductMemory<StateMemory, VectorMemory> forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        var scaled = LearnedAnalyzer.ScaledInnovation(observationOperator, observationError, forecast.First.State, observation);
        return Update(network, precision, forecast, scaled).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    private static ProductMemory<StateMemory, VectorMemory> Update(nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network, ScalarType precision,
        ProductMemory<StateMemory, VectorMemory> forecast, Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        Tensor state = forecast.First.State, channels = forecast.Second.Vector;
        var (increment, written) = network.call(state.to(precision), scaledInnovation.to(precision), channels.to(precision));
        var analysis = state + Require.Shape(increment, $"The increment of {network.GetName()}", state.shape).to(state.dtype);
        var kept = Require.Shape(written, $"The hidden channels of {network.GetName()}", channels.shape).to(channels.dtype).alias();
        scope.MoveToOuter(analysis, kept);
        return new(new(analysis), new(kept));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("name", Name);
        writer.Part("operator", Operator);
        writer.Part("error", Error);
        writer.Part("network", Network);
        writer.History(History);
    }

    private static ScalarType PrecisionOf(nn.Module network) => network.parameters().Select(parameter => parameter.dtype).FirstOrDefault(ScalarType.Float32);

    /// <summary>The analyzer while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
    internal sealed class InTraining(string name, nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network, IObservationNetwork observing)
        : IAnalyzer<ProductMemory<StateMemory, VectorMemory>>
    {
        private readonly ScalarType precision = PrecisionOf(network);

        public string Name => name;

        public bool TakesErrorScale => true;

        public ProductMemory<StateMemory, VectorMemory> Analyze(ProductMemory<StateMemory, VectorMemory> forecast, Observation observation, RandomStream random) =>
            Update(network, precision, observing.Operator, observing.Error, forecast, observation);
    }
}

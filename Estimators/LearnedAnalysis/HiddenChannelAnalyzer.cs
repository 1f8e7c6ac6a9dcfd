using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A learned analysis that remembers: (x_a, h_a) from (x_f, H^T R^-1 (y - H x_f), h_f), where h are hidden channels at the sites
/// of the state. The <see cref="LearnedAnalyzer"/> with a memory of more than one state. It is frozen, so several threads may
/// use it at once.
/// </summary>
[Component("hidden-channel-analyzer")]
public sealed class HiddenChannelAnalyzer
    : ScaledInnovationAnalyzer<ProductMemory<StateMemory, VectorMemory>,
        nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)>>,
        IScaledInnovationAnalyzer<ProductMemory<StateMemory, VectorMemory>>
{
    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>, hidden channels <c>[batch, k, n]</c>)
    /// -> (increment <c>[batch, n]</c>, hidden channels <c>[batch, k, n]</c>); it belongs to the analyzer from now on. To be saved it
    /// must be a component (<see cref="ComponentAttribute"/>).</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public HiddenChannelAnalyzer(string name, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network,
        [Saved("hasHistory"), Inlined] TrainingHistory? history = null)
        : base(name, observationOperator, observationError, network, history) => ModuleState.Freeze(network);

    private HiddenChannelAnalyzer(string name, nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network,
        IObservationNetwork observing)
        : base(name, observing.Operator, observing.Error, network, null) { }

    /// <inheritdoc cref="LearnedAnalyzer.InTraining"/>
    internal static HiddenChannelAnalyzer InTraining(string name,
        nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)> network, IObservationNetwork observing) =>
        new(name, network, observing);

    /// <inheritdoc cref="ScaledInnovationAnalyzer{TMemory, TNetwork}.Analyze(TMemory, Tensor)"/>
    public override ProductMemory<StateMemory, VectorMemory> Analyze(ProductMemory<StateMemory, VectorMemory> forecast,
        Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        Tensor state = forecast.First.State, channels = forecast.Second.Vector;
        var (increment, written) = Network.call(state.to(Precision), scaledInnovation.to(Precision), channels.to(Precision));
        var analysis = state + Require.Shape(increment, $"The increment of {Network.GetName()}", state.Sizes()).to(state.dtype);
        var kept = Require.Shape(written, $"The hidden channels of {Network.GetName()}", channels.Sizes()).to(channels.dtype).alias();
        scope.MoveToOuter(analysis, kept);
        return new(new(analysis), new(kept));
    }

    private protected override Tensor State(ProductMemory<StateMemory, VectorMemory> forecast) => forecast.First.State;
}

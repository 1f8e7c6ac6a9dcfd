using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analysis that a network has learned, x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)) (Bocquet et al. 2024, eq. 2a): no
/// ensemble and no error covariance of the forecast, one state only. It is frozen, so several threads may use it at once.
/// </summary>
[Component("learned-analyzer")]
public sealed class LearnedAnalyzer
: ScaledInnovationAnalyzer<StateMemory, nn.Module<Tensor, Tensor, Tensor>>, IScaledInnovationAnalyzer<StateMemory>
{
    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) -> increment <c>[batch, n]</c>;
    /// it belongs to the analyzer from now on. To be saved it must be a component (<see cref="ComponentAttribute"/>).</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public LearnedAnalyzer(string name, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor> network, [Saved("hasHistory"), Inlined] TrainingHistory? history = null)
        : base(name, observationOperator, observationError, network, history) => ModuleState.Freeze(network);

    private LearnedAnalyzer(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing)
        : base(name, observing.Operator, observing.Error, network, null) { }

    /// <summary>The analyzer while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
    internal static LearnedAnalyzer InTraining(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing) =>
        new(name, network, observing);

    /// <inheritdoc cref="ScaledInnovationAnalyzer{TMemory, TNetwork}.Analyze(TMemory, Tensor)"/>
    public override StateMemory Analyze(StateMemory forecast, Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        var increment = Network.call(forecast.State.to(Precision), scaledInnovation.to(Precision)).to(forecast.State.dtype);
        return new((forecast.State + Require.Shape(increment, $"The increment of {Network.GetName()}", forecast.State.Sizes()))
            .MoveToOuterDisposeScope());
    }

    private protected override Tensor State(StateMemory forecast) => forecast.State;
}

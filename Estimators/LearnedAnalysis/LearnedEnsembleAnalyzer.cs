using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analysis of an ensemble that a network has learned, E_a = E_f + a(E_f, H^T R^-1 (y - H x_f)), x_f the ensemble's mean
/// (Bocquet et al. 2024, eq. 2). It is frozen, so several threads may use it at once.
/// </summary>
[Component("learned-ensemble-analyzer")]
public sealed class LearnedEnsembleAnalyzer : ScaledInnovationAnalyzer<EnsembleMemory, nn.Module<Tensor, Tensor, Tensor>>
{
    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast <c>[batch, members, n]</c>, H^T R^-1 innovation of the mean <c>[batch, n]</c>) -> increments
    /// <c>[batch, members, n]</c>; it belongs to the analyzer from now on. To be saved it must be a component
    /// (<see cref="ComponentAttribute"/>).</param>
    /// <param name="history">How it was trained, where it was.</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    public LearnedEnsembleAnalyzer(string name, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor> network, [Saved("hasHistory"), Inlined] TrainingHistory? history = null)
        : base(name, observationOperator, observationError, network, history) => ModuleState.Freeze(network);

    private LearnedEnsembleAnalyzer(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing)
        : base(name, observing.Operator, observing.Error, network, null) { }

    /// <inheritdoc cref="LearnedAnalyzer.InTraining"/>
    internal static LearnedEnsembleAnalyzer InTraining(string name, nn.Module<Tensor, Tensor, Tensor> network,
        IObservationNetwork observing) => new(name, network, observing);

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        var members = forecast.Members;
        var increments = Network.call(members.to(Precision), scaledInnovation.to(Precision)).to(members.dtype);
        return new((members + Require.Shape(increments, $"The increments of {Network.GetName()}", members.Sizes()))
            .MoveToOuterDisposeScope());
    }

    private protected override Tensor State(EnsembleMemory forecast) => forecast.Members.mean([1]);
}

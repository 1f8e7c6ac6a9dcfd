using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>H = I: every component of the state is observed.</summary>
/// <param name="stateDimension">The state's dimension n.</param>
[Component("identity-observation-operator")]
public sealed class IdentityObservationOperator([Saved("dimension")] long stateDimension)
    : ObservationOperator(stateDimension, stateDimension), IPointObservationOperator
{
    /// <inheritdoc/>
    public override string Name => "full observation";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents { get; } = new ComponentRange(stateDimension);

    bool IPointObservationOperator.IsSelection => true;

    private protected override bool MakesOneTensor => true;

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => state;

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) => perturbation;

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) => sensitivity;
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The field that corresponds to coefficients, H(c) = m + B c. Composed with an operator on the field
/// (<see cref="ObservationOperatorExtensions.Then"/>), it gives the observations of a filter on the coefficients.
/// </summary>
/// <param name="decomposition">The modes.</param>
[Component("reconstruction-operator")]
public sealed class ReconstructionOperator(ProperOrthogonalDecomposition decomposition)
    : ObservationOperator(decomposition.ModeCount, decomposition.Dimension)
{
    /// <inheritdoc/>
    public override string Name => $"reconstruction from {StateDimension} modes";

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => decomposition.Reconstruct(state);

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) =>
        matmul(perturbation, decomposition.Modes.to(perturbation.dtype, perturbation.device).mT);

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) =>
        matmul(sensitivity, decomposition.Modes.to(sensitivity.dtype, sensitivity.device));
}

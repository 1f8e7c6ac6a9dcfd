using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A kernel's step as a node of the graph. Its backward pass is the kernel's adjoint, or one that can be differentiated again if that is
/// needed.
/// </summary>
internal sealed class TrackedStep : DifferentiableFunction<TrackedStep>
{
    /// <inheritdoc/>
    public override string Name => "KernelStep";

    /// <summary>Makes a step that a gradient can be taken of.</summary>
    /// <param name="state">The state, <c>[..., n]</c>.</param>
    /// <param name="step">The kernel's step.</param>
    /// <param name="adjoint">The adjoint of the step at a state (the first argument) for a sensitivity (the second).</param>
    public static Tensor Of(Tensor state, Func<Tensor, Tensor> step, Func<Tensor, Tensor, Tensor> adjoint) => apply(state, step, adjoint);

    /// <inheritdoc/>
    protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
    {
        var state = (Tensor)arguments[0];
        context.save_for_backward([state]);
        context.save_data("adjoint", arguments[2]);
        return ((Func<Tensor, Tensor>)arguments[1])(state);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity) =>
        [((Func<Tensor, Tensor, Tensor>)context.get_data("adjoint"))(context.get_saved_variables()[0], sensitivity), null!, null!];
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A function whose backward pass is managed code, as one node of the autograd graph. An exception in that code must not cross libtorch's
/// frames, which would end the process. It is caught here; libtorch is made to fail with a gradient that it refuses; and
/// <see cref="Differentiation"/> throws the original exception once libtorch has returned. A caller of <c>Tensor.backward</c> gets
/// TorchSharp's exception about an invalid gradient instead.
/// </summary>
/// <typeparam name="TSelf">The function.</typeparam>
public abstract class DifferentiableFunction<TSelf> : autograd.SingleTensorFunction<TSelf>
    where TSelf : DifferentiableFunction<TSelf>, new()
{
    private const string AreTensors = "are tensors";

    /// <summary>Computes the value, without a graph.</summary>
    /// <param name="context">Keeps tensors and data for the backward pass.</param>
    /// <param name="arguments">Tensors and other objects.</param>
    protected abstract Tensor Forward(autograd.AutogradContext context, object[] arguments);

    /// <summary>
    /// Computes the gradients with respect to the arguments, one for each; null for an argument that is not a tensor or needs no gradient.
    /// </summary>
    /// <param name="context">The tensors and data that <see cref="Forward"/> kept.</param>
    /// <param name="sensitivity">The gradient with respect to the value.</param>
    protected abstract List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity);

    /// <inheritdoc/>
    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(AreTensors, Array.ConvertAll(vars, argument => argument is Tensor));
        return Forward(ctx, vars);
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var areTensors = (bool[])ctx.get_data(AreTensors);
        try { return Complete(Backward(ctx, grad_output), areTensors.Length); }
        catch (Exception exception)
        {
            Differentiation.Keep(exception);
            // One complex number, which is not a valid gradient of a real tensor.
            var refused = zeros([], dtype: ScalarType.ComplexFloat32, device: grad_output.device);
            return [.. areTensors.Select(isTensor => isTensor ? refused : null!)];
        }
    }

    // A wrong number of gradients would end the process, and a gradient that a dispose scope has freed would count as zero.
    private List<Tensor> Complete(List<Tensor> gradients, int arguments)
    {
        if (gradients?.Count != arguments)
            throw new InvalidOperationException(
                $"The backward pass of '{Name}' gives {gradients?.Count ?? 0} gradients; it must give {arguments}, one for each " +
                    $"argument, null where there is none.");
        int freed = gradients.FindIndex(gradient => gradient is { IsInvalid: true });
        return freed < 0 ? gradients
            : throw new InvalidOperationException(
                $"The backward pass of '{Name}' gives a disposed tensor as gradient {freed}; move it out of its dispose scope.");
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A function whose backward pass is managed code, as one node of the autograd graph. An exception in that code must not cross
/// libtorch's frames, which would end the process. It is caught here; libtorch is made to fail by a gradient it refuses; and
/// <see cref="Differentiation"/> throws the exception itself once libtorch has returned. Whoever calls <c>Tensor.backward</c>
/// directly gets TorchSharp's exception about an invalid gradient.
/// </summary>
/// <typeparam name="TSelf">The function.</typeparam>
public abstract class DifferentiableFunction<TSelf> : autograd.SingleTensorFunction<TSelf>
    where TSelf : DifferentiableFunction<TSelf>, new()
{
    private const string AreTensors = "are tensors";

    /// <summary>The value, without a graph.</summary>
    /// <param name="context">Where tensors and data for the backward pass are kept.</param>
    /// <param name="arguments">Tensors and other objects.</param>
    protected abstract Tensor Forward(autograd.AutogradContext context, object[] arguments);

    /// <summary>The gradients in the arguments, one for each; null for what is no tensor or needs none.</summary>
    /// <param name="context">What <see cref="Forward"/> kept.</param>
    /// <param name="sensitivity">The gradient in the value.</param>
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
            // One complex number: the gradient of no real tensor.
            var refused = zeros([], dtype: ScalarType.ComplexFloat32, device: grad_output.device);
            return [.. areTensors.Select(isTensor => isTensor ? refused : null!)];
        }
    }

    // Another number of gradients would end the process, and one that a dispose scope has freed would count as zero.
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

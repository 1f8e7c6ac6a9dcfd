using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Tangent linear and adjoint of any function of a tensor by automatic differentiation. Where gradients are enabled and
/// something the results depend on requires them, the results can be differentiated again.
/// </summary>
public static class Differentiation
{
    /// <summary>f(x) and f'(x) dx by two passes of reverse mode: v -> f'(x)^T v is linear in v, and its derivative along dx is f'(x) dx.</summary>
    /// <param name="function">f; built of tensor operators.</param>
    /// <param name="at">x, where it is linearised.</param>
    /// <param name="perturbation">dx, of x's shape.</param>
    public static (Tensor Value, Tensor Derivative) TangentLinear(Func<Tensor, Tensor> function, Tensor at, Tensor perturbation)
    {
        SameShape(at, perturbation, "perturbation");
        using var scope = NewDisposeScope();
        bool differentiable = IsDifferentiable(function, at, perturbation);
        using var gradients = enable_grad();
        var x = Tracked(at);
        var y = function(x);
        var v = zeros_like(y).requires_grad_();
        var pulledBack = autograd.grad([y], [x], [v], retain_graph: true, create_graph: true)[0];
        var tangent = autograd.grad([pulledBack], [v], [perturbation], retain_graph: differentiable, create_graph: differentiable)[0];
        return scope.MoveToOuter(differentiable ? y : y.detach(), tangent);
    }

    /// <summary>f'(x)^T dy by reverse mode.</summary>
    /// <param name="function">f; built of tensor operators.</param>
    /// <param name="at">x, where it is linearised.</param>
    /// <param name="sensitivity">dy, of the shape of f(x).</param>
    public static Tensor Adjoint(Func<Tensor, Tensor> function, Tensor at, Tensor sensitivity)
    {
        using var scope = NewDisposeScope();
        bool differentiable = IsDifferentiable(function, at, sensitivity);
        using var gradients = enable_grad();
        var x = Tracked(at);
        var y = function(x);
        SameShape(y, sensitivity, "sensitivity");
        return autograd.grad([y], [x], [sensitivity], retain_graph: differentiable, create_graph: differentiable)[0].MoveToOuterDisposeScope();
    }

    // Whether the derivative depends on something that requires gradients: the arguments, or parameters of the function.
    private static bool IsDifferentiable(Func<Tensor, Tensor> function, Tensor at, Tensor direction) =>
        is_grad_enabled() && (at.requires_grad || direction.requires_grad || function(at).requires_grad);

    // The point itself where it belongs to a graph, so that the result can be differentiated again; a leaf otherwise.
    private static Tensor Tracked(Tensor at) => at.requires_grad ? at.alias() : at.view_as(at).requires_grad_();

    private static void SameShape(Tensor expected, Tensor given, string what)
    {
        if (!expected.HasSizesOf(given))
            throw new ArgumentException($"The {what} must have shape {ColumnDefinition.Describe(expected.Sizes())}; given: {ColumnDefinition.Describe(given.Sizes())}.", what);
    }
}

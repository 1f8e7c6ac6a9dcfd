using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The tangent linear and adjoint of any function of a tensor, by automatic differentiation. The results can be differentiated again if
/// gradients are enabled and something that the results depend on requires them.
/// </summary>
/// <remarks>
/// All gradients of the library come from here. An error inside libtorch's engine (an operator without derivative, a tensor
/// changed in place) is an exception that names the function. TorchSharp's own <c>autograd.grad</c> does not translate such
/// errors; they end the process.
/// </remarks>
public static class Differentiation
{
    // torch.autograd.grad as a script: the interpreter turns the engine's errors into exceptions. With 'unused' an input that the
    // value does not depend on has the gradient zero.
    private static readonly Lazy<jit.CompilationUnit> Script = new(() => jit.compile("""
        def gradients(value: Tensor, at: List[Tensor], sensitivity: Tensor, retain: bool, create: bool, unused: bool):
            sensitivities : List[Optional[Tensor]] = [sensitivity]
            found = torch.autograd.grad([value], at, sensitivities, retain, create, unused)
            gradients : List[Tensor] = []
            for i in range(len(at)):
                gradient = found[i]
                gradients.append(torch.zeros_like(at[i]) if gradient is None else gradient)
            return gradients

        """));

    // The exception that managed code threw in a backward pass on this thread, kept until libtorch has returned.
    [ThreadStatic] private static ExceptionDispatchInfo? thrown;

    /// <summary>
    /// f(x) and f'(x) dx by two passes of reverse mode: v -> f'(x)^T v is linear in v, and its derivative along dx is f'(x) dx.
    /// </summary>
    /// <param name="function">f, made of differentiable tensor operators.</param>
    /// <param name="at">x, the point of linearisation.</param>
    /// <param name="perturbation">dx, of x's shape.</param>
    /// <param name="name">The name of the function in messages (default: "The function").</param>
    /// <exception cref="ArgumentException">The perturbation does not have x's shape.</exception>
    /// <exception cref="InvalidOperationException">
    /// The value does not depend on x through differentiable operators, the function changes x in place, or libtorch cannot differentiate
    /// it twice. A function that is really constant adds <c>0 * x</c>.
    /// </exception>
    public static (Tensor Value, Tensor Derivative) TangentLinear(Func<Tensor, Tensor> function, Tensor at, Tensor perturbation,
        string name = "The function")
    {
        SameShape(at, perturbation, "perturbation");
        using var scope = NewDisposeScope();
        bool differentiable = IsDifferentiable(function, at, perturbation, name);
        using var gradients = enable_grad();
        var x = Tracked(at);
        var y = Connected(Value(function, x, name), name);
        var v = zeros_like(y).requires_grad_();
        var pulledBack = Run(y, [x], v, retain: true, create: true, unused: false, name)[0];
        // A derivative that is zero everywhere, like that of rounding, does not depend on v.
        var tangent = pulledBack.requires_grad
            ? Run(pulledBack, [v], perturbation, differentiable, differentiable, unused: true, name)[0]
            : zeros_like(y);
        return scope.MoveToOuter(differentiable ? y : y.detach(), tangent);
    }

    /// <summary>f'(x)^T dy by reverse mode.</summary>
    /// <param name="function">f, made of differentiable tensor operators.</param>
    /// <param name="at">x, the point of linearisation.</param>
    /// <param name="sensitivity">dy, of the shape of f(x).</param>
    /// <param name="name">The name of the function in messages (default: "The function").</param>
    /// <exception cref="ArgumentException">The sensitivity does not have the shape of f(x).</exception>
    /// <exception cref="InvalidOperationException">
    /// The value does not depend on x through differentiable operators, the function changes x in place, or libtorch cannot differentiate
    /// it. A function that is really constant adds <c>0 * x</c>.
    /// </exception>
    public static Tensor Adjoint(Func<Tensor, Tensor> function, Tensor at, Tensor sensitivity, string name = "The function")
    {
        using var scope = NewDisposeScope();
        bool differentiable = IsDifferentiable(function, at, sensitivity, name);
        using var gradients = enable_grad();
        var x = Tracked(at);
        var y = Connected(Value(function, x, name), name);
        SameShape(y, sensitivity, "sensitivity");
        return Run(y, [x], sensitivity, differentiable, differentiable, unused: false, name)[0].MoveToOuterDisposeScope();
    }

    /// <summary>(dy/dx_i)^T w for each x_i, of a value y that was computed from them; zero if y does not depend on x_i.</summary>
    /// <param name="value">y; it belongs to a graph.</param>
    /// <param name="at">x_i, which require gradients; their <c>grad</c> is not changed.</param>
    /// <param name="sensitivity">w, of y's shape.</param>
    /// <param name="retainGraph">Whether the graph of y will be used again (default: false).</param>
    /// <param name="createGraph">Whether the gradients can be differentiated again, which also keeps the graph (default: false).</param>
    /// <param name="name">The name in messages of the function that gave the value (default: "The function").</param>
    /// <exception cref="ArgumentException">The sensitivity does not have y's shape.</exception>
    /// <exception cref="InvalidOperationException">The value belongs to no graph, or libtorch cannot differentiate it.</exception>
    public static IReadOnlyList<Tensor> Gradients(Tensor value, IReadOnlyList<Tensor> at, Tensor sensitivity,
        bool retainGraph = false, bool createGraph = false, string name = "The function")
    {
        SameShape(value, sensitivity, "sensitivity");
        return Run(Connected(value, name), [.. at], sensitivity, retainGraph || createGraph, createGraph, unused: true, name);
    }

    /// <summary>
    /// Back-propagates: adds the gradient of a number to the <c>grad</c> of everything it depends on, as <c>Tensor.backward</c> does.
    /// </summary>
    /// <param name="value">One number; its graph is used up.</param>
    /// <param name="name">The name of the function in messages (default: "The function").</param>
    /// <exception cref="InvalidOperationException">It belongs to no graph, or libtorch cannot differentiate it.</exception>
    public static void BackPropagate(Tensor value, string name = "The function")
    {
        Connected(value, name);
        Translated(() => { value.backward(); return 0; }, name);
    }

    /// <summary>Keeps an exception until libtorch has returned to managed code.</summary>
    internal static void Keep(Exception exception) => thrown = ExceptionDispatchInfo.Capture(exception);

    private static Tensor[] Run(Tensor value, Tensor[] at, Tensor sensitivity, bool retain, bool create, bool unused, string name) =>
        Translated(() => (Tensor[])Script.Value.invoke("gradients", value, at, sensitivity, retain, create, unused), name);

    // An exception of managed code is rethrown as it was; libtorch's own message is cut to the sentence that says what happened.
    private static T Translated<T>(Func<T> differentiate, string name)
    {
        thrown = null;
        try { return differentiate(); }
        catch (ExternalException error)
        {
            var inside = thrown;
            thrown = null;
            inside?.Throw();
            throw new InvalidOperationException($"{name} cannot be differentiated: {Sentence(error.Message)}", error);
        }
    }

    private static string Sentence(string message)
    {
        const string mark = "RuntimeError: ";
        int start = message.LastIndexOf(mark, StringComparison.Ordinal);
        string rest = start < 0 ? message : message[(start + mark.Length)..];
        return rest.Split('\n')[0].Trim();
    }

    private static Tensor Connected(Tensor value, string name) => value.requires_grad ? value
        : throw new InvalidOperationException(
            $"{name} cannot be differentiated: its value does not depend on its argument through differentiable operators. " +
            "Leave out detach(), no_grad() and computations outside tensors; where it is really constant, add 0 * x.");

    // Whether the derivative depends on something that requires gradients: the arguments, or parameters of the function.
    private static bool IsDifferentiable(Func<Tensor, Tensor> function, Tensor at, Tensor direction, string name) =>
        is_grad_enabled() && (at.requires_grad || direction.requires_grad || Value(function, at, name).requires_grad);

    // Returns the point itself if it belongs to a graph, so that the result can be differentiated again, and a leaf otherwise. libtorch
    // refuses to change in place a leaf, or a view that may have siblings; a lone view would let the function change the point and its
    // derivative unnoticed.
    private static Tensor Tracked(Tensor at) => at.requires_grad ? at.unsqueeze(0).unbind(0)[0] : at.view_as(at).requires_grad_();

    private static Tensor Value(Func<Tensor, Tensor> function, Tensor at, string name)
    {
        try { return function(at); }
        catch (ExternalException error) when (Sentence(error.Message) is var said
            && (said.Contains("in-place operation") || said.Contains("modified inplace")))
        {
            throw new InvalidOperationException($"{name} cannot be differentiated: it changes its argument in place, " +
                "or something else that requires gradients. Use the operators that give a new tensor (x.add(y) instead of x.add_(y)), or " +
                    "change a clone().", error);
        }
    }

    private static void SameShape(Tensor expected, Tensor given, string what)
    {
        if (!expected.HasSizesOf(given))
            throw new ArgumentException(
                $"The {what} must have shape {expected.DescribeSizes()}; given: " +
                    $"{given.DescribeSizes()}.", what);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A long short-term memory in one piece as one node of the autograd graph. A second differentiation, or a second backward pass over the
/// same forward pass, uses the plain operators.
/// </summary>
internal sealed class FusedLongShortTermMemoryFunction : DifferentiableFunction<FusedLongShortTermMemoryFunction>
{
    /// <inheritdoc/>
    public override string Name => "FusedLongShortTermMemory";

    /// <summary>Runs the network so that it is differentiable.</summary>
    /// <param name="network">The network.</param>
    /// <param name="plain">The same by tensor operators.</param>
    /// <param name="input">Its input.</param>
    /// <param name="parameters">Its parameters, in the network's order.</param>
    public static Tensor Apply(FusedLongShortTermMemory network, Func<Tensor, Tensor> plain, Tensor input,
        IReadOnlyList<Tensor> parameters) =>
        apply([new Pass(network, plain, parameters, input.requires_grad), input, .. parameters]);

    /// <inheritdoc/>
    protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
    {
        var (pass, input) = ((Pass)arguments[0], (Tensor)arguments[1]);
        context.save_for_backward([input]);
        context.save_data(nameof(Pass), pass);
        using var contiguous = input.contiguous();
        (var result, pass.Tape) = pass.Network.Forward(contiguous, pass.Parameters);
        return result;
    }

    /// <inheritdoc/>
    protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity)
    {
        var pass = (Pass)context.get_data(nameof(Pass));
        if (is_grad_enabled() || pass.Tape!.IsReleased)
            return [null!, .. PlainGradients(pass, context.get_saved_variables()[0], sensitivity)];
        using var whole = sensitivity.contiguous();
        var (input, parameters) = pass.Network.Backward(pass.Tape, whole, pass.Parameters, pass.WantsInput);
        return [null!, input!, .. parameters];
    }

    // By the plain operators, so that the result can be differentiated again if requested.
    private static Tensor[] PlainGradients(Pass pass, Tensor input, Tensor sensitivity)
    {
        bool again = is_grad_enabled();
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var tracked = again || !pass.WantsInput ? input : input.detach().requires_grad_();
        Tensor[] all = [tracked, .. pass.Parameters], wanted = [.. all.Where(tensor => tensor.requires_grad)];
        var found = Differentiation.Gradients(pass.Plain(tracked), wanted, sensitivity, createGraph: again, name: "The fused network");
        int next = 0;
        return [.. all.Select(tensor => tensor.requires_grad ? found[next++].MoveToOuterDisposeScope() : null!)];
    }

    private sealed record Pass(FusedLongShortTermMemory Network, Func<Tensor, Tensor> Plain, IReadOnlyList<Tensor> Parameters,
        bool WantsInput)
    {
        public Tape? Tape { get; set; }
    }
}

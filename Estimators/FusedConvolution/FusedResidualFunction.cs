using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The fused network as one node of the autograd graph. A second differentiation, or a second backward pass over the same forward pass,
/// uses the plain operators.
/// </summary>
internal sealed class FusedResidualFunction : DifferentiableFunction<FusedResidualFunction>
{
    /// <inheritdoc/>
    public override string Name => "FusedResidualNetwork";

    /// <summary>Runs the network so that it is differentiable.</summary>
    /// <param name="network">The network.</param>
    /// <param name="running">The running statistics of its layers.</param>
    /// <param name="training">Whether the batch's own statistics are used.</param>
    /// <param name="input"><c>[batch, inputs, n]</c></param>
    /// <param name="parameters">The parameters, concatenated (<see cref="FusedResidualNetwork.Packed"/>): each tensor that passes through
    /// a node of the graph costs as much as a small operator.</param>
    /// <returns><c>[batch, outputs, n]</c></returns>
    public static Tensor Apply(FusedResidualNetwork network, IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool training,
        Tensor input, Tensor parameters) =>
        apply(new Pass(network, running, training, parameters.requires_grad), input, parameters);

    /// <inheritdoc/>
    protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
    {
        var (pass, parameters) = ((Pass)arguments[0], (Tensor)arguments[2]);
        using var input = ((Tensor)arguments[1]).contiguous();
        context.save_for_backward([(Tensor)arguments[1], parameters]);
        context.save_data(nameof(Pass), pass);
        (var product, pass.Tape) = pass.Network.Forward(input, pass.Network.Addresses(parameters), pass.Running, pass.Training,
            keeps: true);
        GC.KeepAlive(parameters);
        return product;
    }

    /// <inheritdoc/>
    protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity)
    {
        var pass = (Pass)context.get_data(nameof(Pass));
        var saved = context.get_saved_variables();
        if (is_grad_enabled() || pass.Tape!.IsReleased)
        {
            ConvolutionGuard.Check();
            return [null!, .. PlainGradients(pass, saved, sensitivity)];
        }
        using var whole = sensitivity.contiguous();
        var (input, parameters) = pass.Network.Backward(pass.Tape, whole, pass.Network.Addresses(saved[1]), pass.WantsParameters);
        return [null!, input, parameters!];
    }

    // By the plain operators, so that the result can be differentiated again if requested.
    private static Tensor[] PlainGradients(Pass pass, List<Tensor> saved, Tensor sensitivity)
    {
        bool again = is_grad_enabled();
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        List<Tensor> tracked =
            [.. saved.Select(tensor => tensor.requires_grad ? again ? tensor : tensor.detach().requires_grad_() : tensor)];
        var product = Plain(pass.Network.Shape, pass.Running, pass.Training, tracked[0], pass.Network.Split(tracked[1]));
        int[] wanted = [.. Enumerable.Range(0, tracked.Count).Where(i => tracked[i].requires_grad)];
        var found = Differentiation.Gradients(product, [.. wanted.Select(i => tracked[i])], sensitivity, createGraph: again,
            name: "The fused network");
        var all = new Tensor[tracked.Count];
        for (int i = 0; i < wanted.Length; i++) all[wanted[i]] = found[i].MoveToOuterDisposeScope();
        return all;
    }

    /// <summary>One pass through the network: the values that its backward pass needs in addition to input and parameters.</summary>
    private sealed record Pass(FusedResidualNetwork Network, IReadOnlyList<(Tensor Mean, Tensor Variance)> Running, bool Training,
        bool WantsParameters)
    {
        public FusedNetworkTape? Tape { get; set; }
    }

    /// <summary>Runs the same network by tensor operators; it leaves the running statistics unchanged.</summary>
    internal static Tensor Plain(FusedNetworkShape shape, IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool training,
        Tensor input, IReadOnlyList<Tensor> parameters) =>
        shape.ByTensors(input, (number, field) =>
        {
            int first = number == 0 ? 0 : FusedResidualNetwork.LayerParameter(number - 1);
            return StateGrid.Circle.Convolve(field, parameters[first], parameters[first + 1]);
        }, (layer, product) =>
        {
            int first = FusedResidualNetwork.LayerParameter(layer);
            var (mean, variance) = training ? default : running[layer];
            return nn.functional.batch_norm(product, mean, variance, parameters[first + 2], parameters[first + 3], training);
        });
}

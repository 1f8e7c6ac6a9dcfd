using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The fused network as one node of the autograd graph. A second differentiation, or a second way back over the same
/// pass, goes through the plain operators.
/// </summary>
internal sealed class FusedResidualFunction : DifferentiableFunction<FusedResidualFunction>
{
    /// <inheritdoc/>
    public override string Name => "FusedResidualNetwork";

    /// <summary>Runs the network so that it can be differentiated.</summary>
    /// <param name="network">The network.</param>
    /// <param name="running">Running statistics of its layers.</param>
    /// <param name="training">Whether the batch's own statistics are used.</param>
    /// <param name="input"><c>[batch, inputs, n]</c></param>
    /// <param name="parameters">In the network's order.</param>
    /// <returns><c>[batch, outputs, n]</c></returns>
    public static Tensor Apply(FusedResidualNetwork network, IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool training, Tensor input, IReadOnlyList<Tensor> parameters) =>
        apply([network, running, training, input, .. parameters]);

    /// <inheritdoc/>
    protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
    {
        var network = (FusedResidualNetwork)arguments[0];
        var running = (IReadOnlyList<(Tensor Mean, Tensor Variance)>)arguments[1];
        bool training = (bool)arguments[2];
        List<Tensor> saved = [.. arguments.Skip(3).Cast<Tensor>()];
        context.save_for_backward(saved);
        context.save_data("network", network);
        context.save_data("running", running);
        context.save_data("wants", saved.Skip(1).Any(parameter => parameter.requires_grad));
        using var input = saved[0].contiguous();
        var (product, tape) = network.Forward(input, saved[1..], running, training, keeps: true);
        context.save_data("tape", tape);
        return product;
    }

    /// <inheritdoc/>
    protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity)
    {
        var network = (FusedResidualNetwork)context.get_data("network");
        var tape = (FusedNetworkTape)context.get_data("tape");
        var saved = context.get_saved_variables();
        List<Tensor> gradients = [null!, null!, null!];
        if (is_grad_enabled() || tape.IsReleased)
        {
            ConvolutionGuard.Check();
            var running = (IReadOnlyList<(Tensor Mean, Tensor Variance)>)context.get_data("running");
            gradients.AddRange(PlainGradients(network.Shape, running, tape.OwnStatistics, saved, sensitivity));
            return gradients;
        }
        using var whole = sensitivity.contiguous();
        var (input, parameters) = network.Backward(tape, whole, saved.GetRange(1, saved.Count - 1), (bool)context.get_data("wants"));
        gradients.Add(input);
        gradients.AddRange(parameters ?? new Tensor[saved.Count - 1]);
        return gradients;
    }

    // By the plain operators, so that the result can be differentiated again where that is asked for.
    private static Tensor[] PlainGradients(FusedNetworkShape shape, IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool training, List<Tensor> saved, Tensor sensitivity)
    {
        bool again = is_grad_enabled();
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        List<Tensor> tracked = [.. saved.Select(tensor => tensor.requires_grad ? again ? tensor : tensor.detach().requires_grad_() : tensor)];
        var product = Plain(shape, running, training, tracked[0], tracked.GetRange(1, tracked.Count - 1));
        int[] wanted = [.. Enumerable.Range(0, tracked.Count).Where(i => tracked[i].requires_grad)];
        var found = Differentiation.Gradients(product, [.. wanted.Select(i => tracked[i])], sensitivity, createGraph: again, name: "The fused network");
        var all = new Tensor[tracked.Count];
        for (int i = 0; i < wanted.Length; i++) all[wanted[i]] = found[i].MoveToOuterDisposeScope();
        return all;
    }

    /// <summary>The same network of plain operators; it leaves the running statistics alone.</summary>
    internal static Tensor Plain(FusedNetworkShape shape, IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool training, Tensor input, IReadOnlyList<Tensor> parameters)
    {
        long reach = shape.Kernel / 2;
        Tensor Convolution(Tensor x, int first) => nn.functional.conv1d(nn.functional.pad(x, [reach, reach], PaddingModes.Circular), parameters[first], parameters[first + 1]);
        var hidden = Convolution(input, 0);
        for (int block = 0, layer = 0; block < shape.Blocks; block++)
        {
            var skip = hidden;
            for (int sub = 0; sub < shape.SubBlocks; sub++, layer++)
            {
                int first = 2 + 4 * layer;
                hidden = nn.functional.batch_norm(Convolution(hidden, first), training ? null : running[layer].Mean, training ? null : running[layer].Variance,
                    parameters[first + 2], parameters[first + 3], training);
                if (shape.Activation == NetworkActivation.Mish) hidden = nn.functional.mish(hidden);
            }
            hidden = hidden + skip;
        }
        return Convolution(hidden, parameters.Count - 2);
    }
}

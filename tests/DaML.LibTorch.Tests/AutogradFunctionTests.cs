using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Functions whose backward pass is written in C#.</summary>
public class AutogradFunctionTests
{
    internal sealed class Cube : autograd.SingleTensorFunction<Cube>
    {
        public override string Name => nameof(Cube);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var x = (Tensor)vars[0];
            ctx.save_for_backward([x]);
            return x * x * x;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var x = ctx.get_saved_variables()[0];
            return [grad_output * 3 * x * x];
        }
    }

    internal sealed class ScaledSum : autograd.MultiTensorFunction<ScaledSum>
    {
        public override string Name => nameof(ScaledSum);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("scale", vars[1]);
            var scale = (double)vars[1];
            return [((Tensor)vars[0] + (Tensor)vars[2]) * scale, (Tensor)vars[0] - (Tensor)vars[2]];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            var scale = (double)ctx.get_data("scale");
            return [grad_outputs[0] * scale + grad_outputs[1], null!, grad_outputs[0] * scale - grad_outputs[1]];
        }
    }

    internal sealed class SavesItsOutput : autograd.SingleTensorFunction<SavesItsOutput>
    {
        public override string Name => nameof(SavesItsOutput);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var y = ((Tensor)vars[0]).exp();
            ctx.save_for_backward([y]);
            return y;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * ctx.get_saved_variables()[0]];
    }

    internal sealed class Identity : autograd.SingleTensorFunction<Identity>
    {
        public override string Name => nameof(Identity);
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => (Tensor)vars[0];
        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * 7];
    }

    internal sealed class DoubleInPlace : autograd.MultiTensorFunction<DoubleInPlace>
    {
        public override string Name => nameof(DoubleInPlace);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var x = (Tensor)vars[0];
            x.mul_(2).Dispose();
            var sign = x.sign();
            ctx.mark_dirty([x]);
            ctx.mark_non_differentiable([sign]);
            return [x, sign];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) => [grad_outputs[0] * 2];
    }

    internal sealed class Throws : autograd.SingleTensorFunction<Throws>
    {
        public static readonly Exception What = new FormatException("from the backward pass");
        public override string Name => nameof(Throws);
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();
        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => throw What;
    }

    internal sealed class WrongCount : autograd.SingleTensorFunction<WrongCount>
    {
        public override string Name => nameof(WrongCount);
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]).clone();
        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [];
    }

    private static Tensor Leaf(params double[] values) => tensor(values, requires_grad: true);

    [Fact]
    public void Its_gradient_is_used_and_can_be_differentiated_again()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, 2, -3);
        var y = Cube.apply(x);
        Assert.Equal([1.0, 8, -27], y.detach().data<double>().ToArray());
        var g = autograd.grad([y.sum()], [x], create_graph: true)[0];
        Assert.Equal([3.0, 12, 27], g.detach().data<double>().ToArray());
        var h = autograd.grad([g.sum()], [x])[0];
        Assert.Equal([6.0, 12, -18], h.data<double>().ToArray());
    }

    [Fact]
    public void Several_outputs_arguments_that_are_no_tensors_and_unused_outputs()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, 2);
        var z = Leaf(3, 4);
        var outputs = ScaledSum.apply(x, 2.0, z);
        (outputs[0].sum() + outputs[1].sum()).backward();
        Assert.Equal([3.0, 3], x.grad!.data<double>().ToArray());
        Assert.Equal([1.0, 1], z.grad!.data<double>().ToArray());
        var only = ScaledSum.apply(x, 2.0, z)[0].sum();   // the second gradient arrives as zeros
        var g = autograd.grad([only], [x, z]);
        Assert.Equal([2.0, 2], g[0].data<double>().ToArray());
        Assert.Equal([2.0, 2], g[1].data<double>().ToArray());
    }

    [Fact]
    public void An_output_may_be_saved_and_an_input_returned()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(0.5);
        var y = SavesItsOutput.apply(x);
        y.backward();
        Assert.Equal(Math.Exp(0.5), x.grad!.item<double>(), 12);
        x.grad = null;
        Identity.apply(x).sum().backward();
        Assert.Equal(7.0, x.grad!.item<double>());
    }

    [Fact]
    public void An_input_changed_in_place_and_an_output_without_gradient()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, -2);
        var y = x * 3;
        var outputs = DoubleInPlace.apply(y);
        Assert.Equal(y.Handle, outputs[0].Handle);
        Assert.False(outputs[1].requires_grad);
        (y * outputs[1]).sum().backward();
        Assert.Equal([6.0, -12], y.detach().data<double>().ToArray());
        Assert.Equal([6.0, -6], x.grad!.data<double>().ToArray());
        Assert.Throws<TorchException>(() => DoubleInPlace.apply(Leaf(1)));   // a leaf
    }

    [Fact]
    public void Without_gradients_there_is_no_node()
    {
        using var scope = NewDisposeScope();
        Assert.False(Cube.apply(tensor([1.0])).requires_grad);
        using (no_grad()) Assert.False(Cube.apply(Leaf(1)).requires_grad);
        Assert.True(Cube.apply(Leaf(1)).requires_grad);
    }

    [Fact]
    public void An_exception_in_the_backward_pass_arrives_as_itself()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, 2);
        var e = Assert.Throws<FormatException>(() => (Throws.apply(x) * 2).sum().backward());
        Assert.Same(Throws.What, e);
        var wrong = Assert.Throws<InvalidOperationException>(() => WrongCount.apply(x).sum().backward());
        Assert.Contains("WrongCount", wrong.Message);
        (x * x).sum().backward();   // the engine goes on
        Assert.Equal([2.0, 4], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void A_second_pass_without_the_graph_is_refused()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        var y = Cube.apply(x).sum();
        y.backward();
        Assert.Throws<TorchException>(() => y.backward());
        var z = Cube.apply(x).sum();
        z.backward(retain_graph: true);
        z.backward();
        Assert.Equal(9.0, x.grad!.item<double>());
    }
}

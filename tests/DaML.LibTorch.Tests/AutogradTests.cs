using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The engine: gradients, modes, Jacobians, tangents.</summary>
public class AutogradTests
{
    private static Tensor Leaf(params double[] values) => tensor(values, requires_grad: true);

    [Fact]
    public void Gradients_accumulate_until_they_are_taken_away()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, 2);
        Assert.Null(x.grad);
        (x * x).sum().backward();
        (x * x).sum().backward();
        Assert.Equal([4.0, 8], x.grad!.data<double>().ToArray());
        x.grad = null;
        Assert.Null(x.grad);
        x.grad = ones_like(x);
        Assert.Equal([1.0, 1], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Weights_several_outputs_chosen_inputs_and_unused_ones()
    {
        using var scope = NewDisposeScope();
        Tensor x = Leaf(1, 2), z = Leaf(5, 6);
        var y = x * 3;
        y.backward([tensor([1.0, 10.0])]);
        Assert.Equal([3.0, 30], x.grad!.data<double>().ToArray());
        var g = autograd.grad([x.sum() * 2, (x * z).sum()], [x]);
        Assert.Equal([7.0, 8], g[0].data<double>().ToArray());
        Assert.Throws<TorchException>(() => autograd.grad([x.sum()], [x, z]));
        Assert.Null(autograd.grad([x.sum()], [x, z], allow_unused: true)[1]);
        autograd.backward([(x * z).sum()], inputs: [z]);
        Assert.Equal([1.0, 2], z.grad!.data<double>().ToArray());
        Assert.Equal([3.0, 30], x.grad!.data<double>().ToArray());
        autograd.backward((x * 2).sum(), ones([], float64));
    }

    [Fact]
    public void Modes_nest_and_come_back()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            using (set_grad_enabled(false)) Assert.False(is_grad_enabled());
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        using (inference_mode())
        {
            Assert.True(is_inference_mode_enabled());
            Assert.False((x * 2).requires_grad);
        }
        Assert.False(is_inference_mode_enabled());
        Assert.True((x * 2).requires_grad);
    }

    [Fact]
    public void Leaves_detachment_and_kept_gradients()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1, 2);
        Assert.True(x.is_leaf && x.requires_grad);
        var y = x * 2;
        Assert.False(y.is_leaf);
        Assert.False(y.detach().requires_grad);
        y.retain_grad();
        y.sum().backward();
        Assert.Equal([1.0, 1], y.grad!.data<double>().ToArray());
        var fresh = ones(2);
        Assert.True(fresh.requires_grad_().requires_grad);
        Assert.True(fresh.requires_grad);
        Assert.Same(fresh, fresh.with_requires_grad(false));
        Assert.Throws<TorchException>(() => y.requires_grad = false);
        Assert.Throws<TorchException>(() => x.add_(1));   // a leaf, in place
        var z = x * 2;
        z.detach_();
        Assert.False(z.requires_grad);
    }

    [Fact]
    public void Jacobians()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1.0, 2.0]);
        var j = autograd.functional.jacobian((Tensor t) => stack([t[0] * t[1], t[0] * t[0], t[1]]), x);
        Assert.Equal([3L, 2], j.shape);
        Assert.Equal([2.0, 1, 2, 0, 0, 1], j.reshape(-1).data<double>().ToArray());
        var two = autograd.functional.jacobian((Tensor[] t) => t[0] * t[1], x, tensor([3.0, 4.0])).ToArray();
        Assert.Equal([3.0, 0, 0, 4], two[0].reshape(-1).data<double>().ToArray());
        Assert.Equal([1.0, 0, 0, 2], two[1].reshape(-1).data<double>().ToArray());
    }

    [Fact]
    public void Tangents_travel_and_end_with_their_level()
    {
        using var scope = NewDisposeScope();
        var x = tensor([0.5, 1.0]);
        Tensor dual;
        using (var level = ForwardMode.EnterLevel())
        {
            dual = ForwardMode.MakeDual(x, tensor([1.0, 2.0]), level);
            var (value, tangent) = ForwardMode.Unpack(dual.sin() * dual, level);
            Assert.True(value.allclose(x.sin() * x));
            Assert.True(tangent!.allclose((x.cos() * x + x.sin()) * tensor([1.0, 2.0])));
            Assert.Null(ForwardMode.Unpack(x * 2, level).Tangent);
        }
        using (var level = ForwardMode.EnterLevel()) Assert.Null(ForwardMode.Unpack(dual, level).Tangent);
    }

    [Fact]
    public void A_tangent_can_be_differentiated_in_reverse()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(0.5, 1.5);
        var (_, product) = ForwardMode.JacobianVectorProduct(t => t * t * t, x, tensor([1.0, 2.0]));
        var g = autograd.grad([product.sum()], [x])[0];
        Assert.Equal([3.0, 18.0], g.data<double>().ToArray());
    }

    // While another thread differentiates forwards, what a graph has saved must not keep its tangents: mish cannot be differentiated forwards twice.
    [Fact]
    public void A_tangent_can_be_differentiated_in_reverse_while_another_thread_differentiates_forwards()
    {
        using var inside = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        var other = new Thread(() =>
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            ForwardMode.JacobianVectorProduct(t =>
            {
                inside.Set();
                done.Wait(TimeSpan.FromMilliseconds(300));    // holds its level until the way back is done, or for so long
                return t * t;
            }, tensor([1.0]), tensor([1.0]));
        });
        other.Start();
        inside.Wait();
        try
        {
            using var scope = NewDisposeScope();
            var x = Leaf(0.5, 1.5);
            var (_, product) = ForwardMode.JacobianVectorProduct(t => nn.functional.mish(nn.functional.mish(t * t)), x, tensor([1.0, 2.0]));
            var g = autograd.grad([product.sum()], [x])[0];
            const double step = 1e-5;
            double Slope(double at) => (Product(at + step) - Product(at - step)) / (2 * step);
            double Product(double at) => (Mish(Mish((at + step) * (at + step))) - Mish(Mish((at - step) * (at - step)))) / (2 * step);
            Assert.Equal(Slope(0.5), g[0].ToDouble(), 1e-4);
            Assert.Equal(2 * Slope(1.5), g[1].ToDouble(), 1e-4);
        }
        finally
        {
            done.Set();
            other.Join();
        }

        static double Mish(double at) => at * Math.Tanh(Math.Log(1 + Math.Exp(at)));
    }

    [Fact]
    public void Anomaly_mode_names_the_culprit()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(0);
        using var mode = autograd.detect_anomaly();
        var e = Assert.Throws<TorchException>(() => (x.sqrt() * 0).sum().backward());
        Assert.Contains("nan", e.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Threads_differentiate_beside_each_other()
    {
        var results = new double[8];
        Parallel.For(0, results.Length, i =>
        {
            using var scope = NewDisposeScope();
            using var mode = i % 2 == 0 ? enable_grad() : no_grad();
            var x = Leaf(i);
            var y = AutogradFunctionTests.Cube.apply(x).sum();
            if (i % 2 == 0)
            {
                y.backward();
                results[i] = x.grad!.item<double>();
            }
            else results[i] = y.requires_grad ? double.NaN : -1;
        });
        for (var i = 0; i < results.Length; i++) Assert.Equal(i % 2 == 0 ? 3.0 * i * i : -1, results[i]);
        Assert.True(is_grad_enabled());
    }
}

using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Automatic differentiation: exact zeros, errors that are exceptions and do not end the process, nothing left behind.</summary>
public sealed class DifferentiationTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor x = Numbers.Normal(1, 3), v = Numbers.Normal(2, 3);
    public void Dispose() => scope.Dispose();

    private static Tensor ChangedInPlace(Tensor at)
    {
        var y = at.exp();
        using (no_grad()) y.mul_(2);   // exp keeps its result for the backward pass
        return y;
    }

    // Bilinear interpolation has a first derivative in libtorch and no second one; two passes of reverse mode need it.
    private static Tensor OnceDifferentiable(Tensor at)
    {
        var image = at.reshape(1, 1, 1, 3).expand(1, 1, 3, 3).contiguous();
        return nn.functional.grid_sample(image, zeros(1, 1, 3, 2, dtype: at.dtype), align_corners: false).reshape(3);
    }

    [Fact]
    public void Products_equal_the_Jacobian()
    {
        var matrix = Numbers.Normal(3, 2, 3);
        Tensor Function(Tensor at) => matmul(matrix, at.sin());
        var jacobian = matrix * x.cos();
        var (value, tangent) = Differentiation.TangentLinear(Function, x, v);
        Numbers.Close(Function(x), value, 1e-15);
        Numbers.Close(matmul(jacobian, v), tangent, 1e-15);
        var w = Numbers.Normal(4, 2);
        Numbers.Close(matmul(jacobian.mT, w), Differentiation.Adjoint(Function, x, w), 1e-15);
        Assert.False(value.requires_grad || tangent.requires_grad);
    }

    [Fact]
    public void Gradients_are_zero_where_the_value_does_not_depend_on_an_argument()
    {
        Tensor a = x.clone().requires_grad_(), unused = ones(2, 5).requires_grad_();
        var gradients = Differentiation.Gradients(a.square(), [a, unused], v);
        Numbers.Close(2 * x * v, gradients[0], 1e-15);
        Assert.Equal(zeros(2, 5).Bits(), gradients[1].Bits());
    }

    [Fact]
    public void A_derivative_that_is_zero_everywhere_gives_zeros()
    {
        Assert.Equal(zeros_like(x).Bits(), Differentiation.TangentLinear(at => at.round(), x, v).Derivative.Bits());
        Assert.Equal(zeros_like(x).Bits(), Differentiation.Adjoint(at => at.round(), x, v).Bits());
        Assert.Equal(0, Differentiation.TangentLinear(at => ones_like(at) + 0 * at, x, v).Derivative.abs().max().ToDouble());
    }

    [Fact]
    public void A_function_cut_off_from_its_argument_is_refused()
    {
        var weight = ones(3, dtype: ScalarType.Float64).requires_grad_();
        foreach (var function in (Func<Tensor, Tensor>[])[at => at.detach() * 2, at => at.detach() * weight])
        {
            foreach (var use in (Action[])[() => Differentiation.TangentLinear(function, x, v, "Their model"),
                () => Differentiation.Adjoint(function, x, v, "Their model")])
            {
                using var noGradients = no_grad();
                Assert.StartsWith("Their model cannot be differentiated", Assert.Throws<InvalidOperationException>(use).Message);
            }
        }
        Assert.Contains("add 0 * x", Assert.Throws<InvalidOperationException>(() => Differentiation.Gradients(x, [x], v)).Message);
        Assert.Throws<InvalidOperationException>(() => Differentiation.BackPropagate(x.sum()));
        Assert.Throws<ArgumentException>(() => Differentiation.TangentLinear(at => at, x, ones(2)));
        Assert.Throws<ArgumentException>(() => Differentiation.Adjoint(at => at, x, ones(2)));
    }

    // Through TorchSharp's autograd.grad each of these ends the process.
    [Fact]
    public void What_libtorch_cannot_differentiate_is_an_exception_that_names_the_function()
    {
        void Refused(string because, Action use)
        {
            string message = Assert.Throws<InvalidOperationException>(use).Message;
            Assert.StartsWith("Their model cannot be differentiated: ", message);
            Assert.Contains(because, message);
            Assert.DoesNotContain("\n", message);
        }
        Refused("modified by an inplace operation", () => Differentiation.TangentLinear(ChangedInPlace, x, v, "Their model"));
        Refused("modified by an inplace operation", () => Differentiation.Adjoint(ChangedInPlace, x, v, "Their model"));
        Refused("is not implemented", () => Differentiation.TangentLinear(OnceDifferentiable, x, v, "Their model"));
        Assert.Equal(x.shape, Differentiation.Adjoint(OnceDifferentiable, x, v).shape);

        var a = x.clone().requires_grad_();
        Refused("modified by an inplace operation", () => Differentiation.Gradients(ChangedInPlace(a), [a], v, name: "Their model"));
        Refused("modified by an inplace operation", () => Differentiation.BackPropagate(ChangedInPlace(a).sum(), "Their model"));
        var y = a.exp();
        Differentiation.Gradients(y, [a], v);
        Refused("a second time", () => Differentiation.Gradients(y, [a], v, name: "Their model"));
    }

    // At a point that belongs to a graph, libtorch would let a function change a view of it and give another derivative.
    [Fact]
    public void A_function_that_changes_its_argument_in_place_is_refused_with_a_remedy()
    {
        Tensor leaf = x.clone().requires_grad_(), computed = leaf * 1;
        Func<Tensor, Tensor>[] functions =
        [
            at => at.mul_(3) * at,
            at => { at[0] = 5; return at * 2; },
            at => { at.narrow(-1, 0, 2).add_(1); return at.square(); },
        ];
        foreach (var function in functions)
        {
            foreach (var point in (Tensor[])[x.clone(), leaf, computed])
            {
                var before = point.Bits();
                foreach (var use in (Action[])[
                    () => Differentiation.TangentLinear(function, point, v, "Their model"),
                    () => Differentiation.Adjoint(function, point, v, "Their model")])
                {
                    using var mode = set_grad_enabled(point.requires_grad);
                    string message = Assert.Throws<InvalidOperationException>(use).Message;
                    Assert.StartsWith("Their model cannot be differentiated: it changes its argument in place", message);
                    Assert.Contains("x.add(y) instead of x.add_(y)", message);
                    Assert.DoesNotContain("\n", message);
                    Assert.Equal(before, point.Bits());
                }
            }
        }
        // What is no fault of this kind passes as it is.
        Assert.Throws<NotSupportedException>(() => Differentiation.Adjoint(_ => throw new NotSupportedException(), x, v));
        Assert.Throws<ExternalException>(() => Differentiation.Adjoint(at => at.reshape(5), x, v));
    }

    [Fact]
    public void A_model_that_cannot_be_differentiated_is_named()
    {
        var model = new Spoilt();
        string message = Assert.Throws<InvalidOperationException>(() => model.TangentLinear(x, v, new TimeInterval(0, 1))).Message;
        Assert.StartsWith("A step of Spoilt cannot be differentiated: ", message);
        Assert.StartsWith("A step of Spoilt",
            Assert.Throws<InvalidOperationException>(() => model.Adjoint(x, v, new TimeInterval(0, 1))).Message);
    }

    // Managed code in a backward pass that throws would end the process, too.
    [Fact]
    public void An_exception_in_a_backward_pass_of_ours_arrives_as_it_was()
    {
        var a = x.clone().requires_grad_();
        Numbers.Close(2 * x * v, Differentiation.Gradients(Square.apply(a, false), [a], v)[0], 1e-15);
        Assert.Equal("thrown inside",
            Assert.Throws<NotSupportedException>(() => Differentiation.Gradients(Square.apply(a, true), [a], v)).Message);
        Assert.Equal("thrown inside",
            Assert.Throws<NotSupportedException>(() => Differentiation.BackPropagate(Square.apply(a, true).sum())).Message);
        Assert.Equal("thrown inside",
            Assert.Throws<NotSupportedException>(() => Differentiation.TangentLinear(at => Square.apply(at, true), x, v)).Message);
        // one inside the other: a backward pass that differentiates
        Assert.Equal("thrown inside",
            Assert.Throws<NotSupportedException>(() => Differentiation.Gradients(Outer.apply(a), [a], v)).Message);
        // TorchSharp's own backward fails as well, with libtorch's words; it leaves nothing that a later error could be taken for
        Assert.ThrowsAny<Exception>(() => Square.apply(a, true).sum().backward());
        Assert.Contains("inplace",
            Assert.Throws<InvalidOperationException>(() => Differentiation.Gradients(ChangedInPlace(a), [a], v)).Message);
        // a single number, for which every shape would do
        var number = tensor(2.0).requires_grad_();
        Assert.Throws<NotSupportedException>(() => Differentiation.Gradients(Square.apply(number, true), [number], tensor(1.0)));
    }

    // The wrong number would end the process, too, and a disposed gradient would be taken for zero.
    [Fact]
    public void A_backward_pass_that_gives_no_proper_gradients_is_refused()
    {
        var a = x.clone().requires_grad_();
        string Refused(Func<Tensor, List<Tensor>> gradients) =>
            Assert.Throws<InvalidOperationException>(() => Differentiation.Gradients(Given.apply(a, gradients), [a], v)).Message;
        Numbers.Close(v, Differentiation.Gradients(Given.apply(a, (Func<Tensor, List<Tensor>>)(w => [w, null!])), [a], v)[0], 0);
        Assert.Contains("'given' gives 1 gradients; it must give 2", Refused(w => [w]));
        Assert.Contains("'given' gives 3 gradients", Refused(w => [w, null!, w]));
        Assert.Contains("'given' gives 0 gradients", Refused(_ => null!));
        Assert.Contains("disposed tensor as gradient 0", Refused(w =>
        {
            using var freed = 2 * w;
            return [freed, null!];
        }));
    }

    [Fact]
    public void Gradients_that_are_there_stay_as_they_are()
    {
        var a = x.clone().requires_grad_();
        a.square().sum().backward();
        var before = a.grad!.Bits();
        Differentiation.TangentLinear(at => at.sin() * a, a, v);
        Differentiation.Adjoint(at => at.sin() * a, a, v);
        Differentiation.Gradients(a.exp(), [a], v);
        Assert.Throws<InvalidOperationException>(() => Differentiation.TangentLinear(ChangedInPlace, a, v));
        Assert.Equal(before, a.grad!.Bits());
        var fresh = x.clone().requires_grad_();
        Differentiation.Gradients(fresh.exp(), [fresh], v, createGraph: true);
        Assert.Null(fresh.grad);
        Assert.False(x.requires_grad);
    }

    [Fact]
    public void Nothing_but_the_results_is_left_behind()
    {
        var a = x.clone().requires_grad_();
        using (var inner = NewDisposeScope())
        {
            Differentiation.TangentLinear(at => at.sin(), x, v);
            Differentiation.TangentLinear(at => at.sin(), a, v);
            Differentiation.Adjoint(at => at.sin(), x, v);
            Differentiation.Adjoint(at => at.sin(), a, v);
            Assert.Equal(6, inner.DisposablesCount);
        }
        long alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 50; i++)
        {
            using var inner = NewDisposeScope();
            Assert.Throws<InvalidOperationException>(() => Differentiation.TangentLinear(ChangedInPlace, x, v));
            Assert.Throws<InvalidOperationException>(() => Differentiation.TangentLinear(OnceDifferentiable, x, v));
            Assert.Throws<InvalidOperationException>(() => Differentiation.Adjoint(ChangedInPlace, a, v));
            Assert.Throws<InvalidOperationException>(() => Differentiation.TangentLinear(at => at.detach(), x, v));
            Assert.Throws<NotSupportedException>(() => Differentiation.Adjoint(at => Square.apply(at, true), x, v));
            Assert.Throws<NotSupportedException>(() => Differentiation.Adjoint(at => Outer.apply(at), a, v));
            Assert.Equal(0, inner.DisposablesCount);
        }
        Assert.Equal(alive, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Several_threads_differentiate_at_once()
    {
        var weight = Numbers.Normal(5, 3).requires_grad_();
        var failures = new int[8];
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var inner = NewDisposeScope();
            for (int repeat = 0; repeat < 50; repeat++)
            {
                var at = Numbers.Normal(10 + i, 3);
                var tangent = Differentiation.TangentLinear(y => y.square() * weight, at, v).Derivative;
                if (!(tangent - 2 * at * v * weight).abs().max().ToDouble().Equals(0)) failures[i]++;
                try { Differentiation.Gradients(Square.apply(weight, true), [weight], v); failures[i]++; }
                catch (NotSupportedException) { }
            }
        });
        Assert.Equal(new int[8], failures);
    }

    /// <summary>x^2, whose backward pass throws if told to.</summary>
    private sealed class Square : DifferentiableFunction<Square>
    {
        public override string Name => "square";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            var at = (Tensor)arguments[0];
            context.save_for_backward([at]);
            context.save_data("throws", arguments[1]);
            return at.square();
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity)
        {
            if ((bool)context.get_data("throws")) throw new NotSupportedException("thrown inside");
            return [2 * context.get_saved_variables()[0] * sensitivity, null!];
        }
    }

    /// <summary>x, whose backward pass gives what it is told to.</summary>
    private sealed class Given : DifferentiableFunction<Given>
    {
        public override string Name => "given";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            context.save_data("gradients", arguments[1]);
            return ((Tensor)arguments[0]).clone();
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity) =>
            ((Func<Tensor, List<Tensor>>)context.get_data("gradients"))(sensitivity);
    }

    /// <summary>x^2, whose backward pass differentiates one that throws.</summary>
    private sealed class Outer : DifferentiableFunction<Outer>
    {
        public override string Name => "outer";

        protected override Tensor Forward(autograd.AutogradContext context, object[] arguments)
        {
            context.save_for_backward([(Tensor)arguments[0]]);
            return ((Tensor)arguments[0]).square();
        }

        protected override List<Tensor> Backward(autograd.AutogradContext context, Tensor sensitivity) =>
            [Differentiation.Adjoint(at => Square.apply(at, true), context.get_saved_variables()[0].detach(), sensitivity)];
    }

    /// <summary>A step that changes in place what its derivative needs.</summary>
    private sealed class Spoilt() : DiscreteDynamics(3, 1)
    {
        protected override Tensor Step(Tensor state, double time) => ChangedInPlace(state);
    }
}

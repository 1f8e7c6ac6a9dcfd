using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Small models whose derivatives are made of operators are linearised by their Jacobian matrices, with the numbers of their own
/// tangent linear and adjoint.</summary>
public sealed class JacobianLinearisationTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    /// <summary>A map with automatic derivatives that depends on the time, and counts its steps.</summary>
    private sealed class Map(long n, double timeStep = 0.5) : DiscreteDynamics(n, timeStep)
    {
        private readonly Tensor mix = Numbers.Normal(7, n, n).div_(Math.Sqrt(n)).DetachFromDisposeScope();
        public int Steps { get; private set; }

        protected override Tensor Step(Tensor state, double time)
        {
            Steps++;
            return 0.9 * state + 0.3 * matmul(state, mix.to(state.dtype)).tanh() * Math.Cos(time) + 0.05 * state.roll(1, -1).square();
        }
    }

    public static TheoryData<long[], int, bool> Cases => new()
    {
        { [6], 1, false }, { [2, 6], 3, false }, { [2, 6], 3, true }, { [2, 3, 6], 2, true }, { [1, 6], 0, false },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Its_products_are_those_of_tangent_linear_and_adjoint(long[] shape, int steps, bool known)
    {
        var model = new Map(6);
        var interval = new TimeInterval(0.5, 0.5 + steps * model.TimeStep);
        var x = Numbers.Normal(1, shape);
        var states = new List<Tensor> { x };
        for (int k = 1; k < steps; k++) states.Add(model.Advance(states[^1], new TimeInterval(0.5 * k, 0.5 * (k + 1))));
        using var linear = model.Linearise(x, interval, known ? new() { States = states } : null);
        Assert.IsNotType<StepwiseLinearisation>(linear);
        Tensor block = Numbers.Normal(2, [.. shape[..^1], 5, 6]), single = Numbers.Normal(3, shape);
        var before = linear.Adjoint(single);
        Numbers.Close(model.TangentLinear(x, single, interval), linear.TangentLinear(single), 1e-13);
        Numbers.Close(model.Adjoint(x, single, interval), before, 1e-14);
        Numbers.Close(before, linear.Adjoint(single), 1e-13);
        Tensor tangents = linear.TangentLinear(block), adjoints = linear.Adjoint(block);
        for (int k = 0; k < 5; k++)
        {
            Numbers.Close(model.TangentLinear(x, block.select(-2, k), interval), tangents.select(-2, k), 1e-13);
            Numbers.Close(model.Adjoint(x, block.select(-2, k), interval), adjoints.select(-2, k), 1e-13);
        }
        Numbers.Close(model.Advance(x, interval), linear.End, 1e-14);
        Numbers.Close((linear.TangentLinear(single) * block.select(-2, 0)).sum(), (single * linear.Adjoint(block.select(-2, 0))).sum(),
            1e-12);
    }

    // With derivatives by hand and without.
    [Theory]
    [InlineData(typeof(Lorenz63))]
    [InlineData(typeof(Lorenz84))]
    [InlineData(typeof(PlainLorenz96))]
    public void So_are_those_of_models_given_by_their_tendency(Type type)
    {
        DiscreteDynamics model = type == typeof(PlainLorenz96) ? new PlainLorenz96(8)
            : type == typeof(Lorenz84) ? new Lorenz84() : new Lorenz63();
        var interval = new TimeInterval(0, 3 * model.TimeStep);
        long n = model.Dimension;
        Tensor x = Numbers.Normal(1, 2, n), single = Numbers.Normal(3, 2, n), block = Numbers.Normal(2, 2, 5, n);
        using var linear = model.Linearise(x, interval);
        Assert.IsNotType<StepwiseLinearisation>(linear);
        Numbers.Close(model.TangentLinear(x, single, interval), linear.TangentLinear(single), 1e-13);
        Numbers.Close(model.Adjoint(x, single, interval), linear.Adjoint(single), 1e-13);
        Tensor tangents = linear.TangentLinear(block);
        for (int k = 0; k < 5; k++)
            Numbers.Close(model.TangentLinear(x, block.select(-2, k), interval), tangents.select(-2, k), 1e-13);
    }

    [Fact]
    public void The_model_runs_no_more_once_the_matrices_are_there()
    {
        var model = new Map(6);
        using var linear = model.Linearise(Numbers.Normal(1, 2, 6), new TimeInterval(0, 1.5));
        var v = Numbers.Normal(2, 2, 6);
        linear.TangentLinear(v);
        int steps = model.Steps;
        for (int k = 0; k < 10; k++) v = linear.Adjoint(linear.TangentLinear(v));
        Assert.Equal(steps, model.Steps);
    }

    [Fact]
    public void It_keeps_precision_and_leaves_nothing_behind_but_its_results()
    {
        var model = new Map(6);
        Tensor x = Numbers.Normal(1, 2, 6).to(ScalarType.Float32), v = Numbers.Normal(2, 2, 6).to(ScalarType.Float32);
        using var linear = model.Linearise(x, new TimeInterval(0, 1.5));
        using (linear.TangentLinear(v)) { }
        using var inner = NewDisposeScope();
        var (tangent, adjoint) = (linear.TangentLinear(v), linear.Adjoint(v));
        Assert.Equal(2, inner.DisposablesCount);
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (tangent.dtype, adjoint.dtype));
        Numbers.Close(model.TangentLinear(x, v, new TimeInterval(0, 1.5)), tangent, 1e-6);
        Assert.Throws<ArgumentException>(() => linear.TangentLinear(v.to(ScalarType.Float64)));
        Assert.Throws<ArgumentException>(() => linear.Adjoint(v.narrow(1, 0, 5)));
    }

    /// <summary>A map that knows its own adjoint.</summary>
    private sealed class OwnAdjoint() : DiscreteDynamics(4, 1)
    {
        protected override Tensor Step(Tensor state, double time) => 2 * state;
        protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) => 2 * sensitivity;
    }

    [Fact]
    public void Large_models_and_those_with_derivatives_of_their_own_go_step_by_step()
    {
        var interval = new TimeInterval(0, 1);
        foreach (var (model, state) in ((IDynamics, Tensor)[])[(new OwnAdjoint(), zeros([2, 4], dtype: ScalarType.Float64)),
            (new Lorenz96(8), zeros([2, 8], dtype: ScalarType.Float64)),
            (new TwoScaleLorenz96(8, 8), zeros([2, 72], dtype: ScalarType.Float64)),
            (new Map(300), zeros([1, 300], dtype: ScalarType.Float64)), (new Map(200), zeros([200, 200], dtype: ScalarType.Float64))])
        {
            using var linear = model.Linearise(state, interval);
            Assert.IsType<StepwiseLinearisation>(linear);
        }
    }
}

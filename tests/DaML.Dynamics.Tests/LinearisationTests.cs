using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A model linearised along a run.</summary>
public sealed class LinearisationTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    /// <summary>The default of every model: the model's own tangent linear and adjoint, whatever is kept.</summary>
    [Theory, InlineData(1), InlineData(3), InlineData(100)]
    public void Any_model_is_linearised_along_its_run(int kept)
    {
        IDynamics model = new Lorenz96(12);
        var interval = new TimeInterval(0.1, 0.1 + 7 * model.TimeStep);
        Tensor x = Numbers.Normal(1, 2, 12) * 3, block = Numbers.Normal(2, 2, 5, 12);
        using var linear = model.Linearise(x, interval, new() { KeptStates = kept });
        Numbers.Close(model.Advance(x, interval), linear.End, 1e-13);
        Tensor tangents = linear.TangentLinear(block), adjoints = linear.Adjoint(block);
        for (int k = 0; k < 5; k++)
        {
            var one = block.select(1, k);
            Numbers.Close(model.TangentLinear(x, one, interval), tangents.select(1, k), 1e-12);
            Numbers.Close(model.Adjoint(x, one, interval), adjoints.select(1, k), 1e-12);
            Numbers.Close(tangents.select(1, k), linear.TangentLinear(one), 1e-12);
        }
        Assert.Throws<ArgumentException>(() => linear.TangentLinear(x[0]));
    }

    /// <summary>A model that must not run.</summary>
    private sealed class Standing(IDynamics model) : IDynamics
    {
        public string Name => "standing";
        public long Dimension => model.Dimension;
        public double TimeStep => model.TimeStep;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => throw new NotSupportedException("It runs.");
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) =>
            model.TangentLinear(state, perturbation, interval);
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => model.Adjoint(state, sensitivity, interval);
    }

    /// <summary>
    /// Where the run's states are given, its linearisation is those of its steps one after the other, to the bit, and the model never runs.
    /// </summary>
    [Theory, InlineData(1), InlineData(100)]
    public void A_run_whose_states_are_known_is_linearised_along_them(int kept)
    {
        var model = new Lorenz96(12);
        double h = model.TimeStep;
        var states = new List<Tensor> { 3 * Numbers.Normal(1, 2, 12) };
        for (int step = 0; step < 4; step++) states.Add(model.Advance(states[^1], new TimeInterval(step * h, (step + 1) * h)));
        IDynamics standing = new Standing(model);
        ILinearisation Along(int count) => standing.Linearise(states[0], new TimeInterval(0, count * h),
            new() { KeptStates = kept, States = [.. states.Take(count)] });
        using (var linear = Along(5))
            foreach (var vectors in (Tensor[])[Numbers.Normal(2, 2, 12), Numbers.Normal(3, 2, 5, 12)])
            {
                Tensor forward = vectors, back = vectors;
                for (int step = 0; step < 5; step++) forward = OneStep(step, each => each.TangentLinear(forward));
                for (int step = 4; step >= 0; step--) back = OneStep(step, each => each.Adjoint(back));
                Numbers.Close(forward, linear.TangentLinear(vectors), 0);
                Numbers.Close(back, linear.Adjoint(vectors), 0);
            }
        Assert.Equal(0, states.Count(state => state.IsInvalid)); // they remain the caller's
        using (var none = Along(0)) Numbers.Close(states[1], none.TangentLinear(none.Adjoint(states[1])), 0);

        string Refused(params Tensor[] given) =>
            Assert.Throws<ArgumentException>(() =>
                standing.Linearise(states[0], new TimeInterval(0, 2 * h), new() { States = given })).Message;
        Assert.Contains("given: 1", Refused(states[0]));
        Assert.Contains("step 1: [12]", Refused(states[0], states[1][0]));
        Assert.Contains("Float32", Refused(states[0], states[1].to(ScalarType.Float32)));

        Tensor OneStep(int step, Func<ILinearisation, Tensor> product)
        {
            using var linear = model.Linearise(states[step], new TimeInterval(step * h, (step + 1) * h));
            return product(linear);
        }
    }

    /// <summary>
    /// Over two days at full size, forward and backward products agree to round-off, and the remainder of the tangent linear is of second
    /// order.
    /// </summary>
    [Theory, InlineData(false), InlineData(true)]
    public void Shallow_water_passes_the_dot_product_and_Taylor_tests_over_two_days(bool periodic)
    {
        var model = new ShallowWater(ShallowWaterOptions.Turbulent with
            { PeriodicX = periodic, PeriodicY = periodic, Beta = periodic ? 0 : 2e-11, InitialHeight = 20 });
        var interval = new TimeInterval(0, 2 * ShallowWater.Day);
        using var random = new RandomStream(3, "start", CPU);
        var x = model.Advance(model.InitialCondition.Draw(1, random, ScalarType.Float64), new TimeInterval(0, 30 * ShallowWater.Day))[0];
        using var linear = model.Linearise(x, interval);
        Tensor dx = ShallowWaters.Random(model, 5, 9), dy = ShallowWaters.Random(model, 6, 9);
        Tensor forward = linear.TangentLinear(dx), backward = linear.Adjoint(dy);
        var left = (forward * dy).sum([-1]);
        var difference = (left - (dx * backward).sum([-1])).abs() / (forward.norm(-1, false, 2f) * dy.norm(-1, false, 2f));
        Assert.InRange(difference.max().ToDouble(), 0, 1e-12);

        double Remainder(double size) => (model.Advance(x + size * dx[0], interval) - linear.End - size * forward[0]).norm().ToDouble();
        Assert.InRange(Math.Log10(Remainder(1e-2) / Remainder(1e-3)), 1.9, 2.1);
        Assert.InRange(Math.Log10(Remainder(1e-3) / Remainder(1e-4)), 1.9, 2.1);
    }

    /// <summary>Gradients, and gradients of gradients, pass through its steps as through the tensor form.</summary>
    [Fact]
    public void Gradients_flow_through_shallow_water()
    {
        var model = ShallowWaterKernelTests.Model(7, 6, false, true);
        var plain = new PlainShallowWater(model);
        var interval = new TimeInterval(0, 3 * model.TimeStep);
        (Tensor First, Tensor Second) Gradients(IDynamics dynamics)
        {
            var x = ShallowWaters.Random(model, 4, 2).requires_grad_();
            var first = autograd.grad([dynamics.Advance(x, interval).pow(3).sum()], [x], retain_graph: true, create_graph: true)[0];
            return (first.detach(), autograd.grad([first.square().sum()], [x])[0]);
        }
        var (given, expected) = (Gradients(model), Gradients(plain));
        ShallowWaters.CloseByField(model, expected.First, given.First, 1e-12);
        ShallowWaters.CloseByField(model, expected.Second, given.Second, 1e-11);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A spin-up from random numbers is the default start of models that forget where they start, and of no others.</summary>
public sealed class ForgottenStartTests
{
    private readonly DataAssimilationContext context = new(3);

    /// <summary>A model by its tendency.</summary>
    private sealed class Flow(long dimension, double timeStep, Func<Tensor, double, Tensor> tendency) : Dynamics(dimension, timeStep)
    {
        protected override Tensor Tendency(Tensor state) => Tendency(state, 0);
        protected override Tensor Tendency(Tensor state, double time) => tendency(state, time);
    }

    /// <summary>A model by its step.</summary>
    private sealed class Map(long dimension, Func<Tensor, Tensor> step) : DiscreteDynamics(dimension, 1)
    {
        protected override Tensor Step(Tensor state, double time) => step(state);
    }

    private static Tensor At(Tensor state, int component) => state.select(-1, component);

    private static IDynamics Chaotic(string name) => name switch
    {
        "Lorenz-63" => new Lorenz63(), "Lorenz-84" => new Lorenz84(), "Lorenz-96" => new Lorenz96(), "Lorenz-96, small" => new Lorenz96(8),
        "Roessler" => new Flow(3, 0.05, (x, _) =>
            stack([-At(x, 1) - At(x, 2), At(x, 0) + 0.2 * At(x, 1), 0.2 + At(x, 2) * (At(x, 0) - 5.7)], -1)),
        "forced pendulum" => new Flow(2, 0.05, (x, t) =>
            stack([At(x, 1), -At(x, 0).sin() - 0.5 * At(x, 1) + 1.15 * Math.Cos(2 * t / 3)], -1)),
        "sine map" => new Map(1, x => 0.99 * (Math.PI * x).sin()),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static IDynamics Keeping(string name) => name switch
    {
        "pendulum" => new Flow(2, 0.01, (x, _) => stack([At(x, 1), -At(x, 0).sin()], -1)),
        "pendulum, long" => new Flow(2, 0.1, (x, _) => stack([At(x, 1), -At(x, 0).sin()], -1)),
        "oscillator" => new Rotation(0.05),
        "limit cycle" => new Flow(2, 0.05, (x, _) => stack([At(x, 1), (1 - At(x, 0).square()) * At(x, 1) - At(x, 0)], -1)),
        "free fall" => new Flow(4, 0.1, (x, _) => stack([At(x, 1), At(x, 2), At(x, 3), zeros_like(At(x, 0))], -1)),
        "advection" => new LinearDynamics(eye(5, dtype: ScalarType.Float64).roll(1, 0)),
        "persistence" => new LinearDynamics(eye(3, dtype: ScalarType.Float64)),
        "growth" => new LinearDynamics(1.01 * eye(3, dtype: ScalarType.Float64)),
        "decay" => new LinearDynamics(0.99 * eye(3, dtype: ScalarType.Float64)),
        "decay to a point" => new Flow(2, 0.05, (x, _) => 1 - x),
        "one point" => new Map(2, x => 0 * x + 1),
        "forced" => new Forced(0.1),
        "Lorenz-63 below chaos" => new Lorenz63(rho: 10),
        "Lorenz-96 below chaos" => new Lorenz96(40, 0.5),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    [Theory]
    [MemberData(nameof(ChaoticNames))]
    public void A_chaotic_model_starts_on_its_attractor_with_the_numbers_of_a_plain_spin_up(string name, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var model = Chaotic(name);
        var plain = new AttractorInitialCondition(model, 1000 * model.TimeStep).Draw(3, context.Random("start"), dtype);
        Assert.Equal(plain.Bits(), model.UsualInitialCondition().Draw(3, context.Random("start"), dtype).Bits());
    }

    [Theory]
    [MemberData(nameof(KeepingNames))]
    public void A_model_that_keeps_its_start_is_refused(string name, ScalarType dtype)
    {
        var model = Keeping(name);
        foreach (var initial in (IInitialCondition[])[model.UsualInitialCondition(), model.UsualInitialCondition()])
        {
            string message = Assert.Throws<InvalidOperationException>(() => initial.Draw(3, context.Random("start"), dtype)).Message;
            Assert.StartsWith(model.Name + " has no initial condition", message);
            Assert.Contains("Set AssimilationSystem.Initial, or give the model an InitialCondition", message);
        }
        // A start that is said is taken, a spin-up too.
        using var said = new AttractorInitialCondition(model, 10 * model.TimeStep).Draw(2, context.Random("start"), dtype);
        Assert.True(said.isfinite().all().ToBoolean());
    }

    public static TheoryData<string, ScalarType> ChaoticNames =>
        In("Lorenz-63", "Lorenz-84", "Lorenz-96", "Lorenz-96, small", "Roessler", "forced pendulum", "sine map");

    public static TheoryData<string, ScalarType> KeepingNames => In("pendulum", "pendulum, long", "oscillator", "limit cycle", "free fall",
        "advection", "persistence", "growth", "decay", "decay to a point", "one point", "forced", "Lorenz-63 below chaos",
        "Lorenz-96 below chaos");

    private static TheoryData<string, ScalarType> In(params string[] names)
    {
        var data = new TheoryData<string, ScalarType>();
        foreach (string name in names)
            foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64]) data.Add(name, dtype);
        return data;
    }

    [Fact]
    public void A_contracting_model_with_an_error_forgets_its_start()
    {
        using var scope = NewDisposeScope();
        var model = new LinearDynamics(0.5 * eye(2, dtype: ScalarType.Float64)) { ModelError = ErrorCovariance.Scalar(2, 3) };
        var draws = model.UsualInitialCondition().Draw(20000, context.Random("start"), ScalarType.Float64);
        Numbers.Close(4 * eye(2, dtype: ScalarType.Float64), draws.mT.cov(), 0.2);   // 3 / (1 - 1/4)
    }

    [Fact]
    public void An_experiment_with_a_model_that_keeps_its_start_is_refused_when_it_begins()
    {
        var model = Keeping("pendulum");
        var network = new ObservationNetwork(new IdentityObservationOperator(2), ErrorCovariance.Scalar(2, 1));
        using var cursor = context.Data.Twin(new AssimilationSystem(model, network), new() { Cycles = 3 }).OpenCursor();
        Assert.Contains("the distance of nearby states does not grow",
            Assert.Throws<InvalidOperationException>(() => cursor.MoveNext()).Message);
        var exploding = new Map(1, x => 1e30 * x);
        var usual = exploding.UsualInitialCondition();
        Assert.Contains("not finite", Assert.Throws<InvalidOperationException>(() =>
            usual.Draw(1, context.Random("x"), ScalarType.Float32)).Message);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The check of 4D-Var's gradient that users call: right where the gradient is, and it finds what is wrong.</summary>
public sealed class GradientCheckTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(29);
    public void Dispose() => scope.Dispose();

    private (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Around(IDynamics model, IObservationOperator? h = null,
        ScalarType precision = ScalarType.Float64,
        ControlVariable variable = ControlVariable.BackgroundSquareRoot, double scale = 1, params IPriorTerm[] priors)
    {
        long n = model.Dimension;
        h ??= SubsetObservationOperator.Strided(n, 2);
        using var random = context.Random("window");
        var start = (model.InitialCondition ?? new GaussianInitialCondition(zeros(n), ErrorCovariance.Scalar(n, 1))).Draw(2, random,
            ScalarType.Float64);
        double dt = model.TimeStep;
        long p = h.ObservationDimension;
        var observations = ((int[])[1, 3]).Select(step => new Observation(
            (h.Apply(model.Advance(start, new TimeInterval(0, step * dt))) + 0.3 * scale * random.Normal([2, p],
                ScalarType.Float64)).to(precision),
            random.Uniform([2, p], ScalarType.Float64) > 0.2, step * dt)).ToList();
        var window = new AssimilationWindow(new((start + 0.3 * scale * random.Normal([2, n], ScalarType.Float64)).to(precision)),
            new TimeInterval(0, 4 * dt), dt, observations);
        return (new(model, [new BackgroundTerm(ErrorCovariance.Scalar(n, 0.1 * scale * scale), variable), .. priors],
            [new ObservationTerm(h, ErrorCovariance.Scalar(p, 0.1 * scale * scale))]), window);
    }

    public static TheoryData<string> Models => ["lorenz-63", "lorenz-96", "kuramoto-sivashinsky", "lorenz-84", "two-scale", "advection",
        "shallow water", "linear"];

    private static IDynamics Model(string name) => name switch
    {
        "lorenz-63" => new Lorenz63(),
        "lorenz-96" => new Lorenz96(12),
        "kuramoto-sivashinsky" => new KuramotoSivashinsky(16, 22, 0.25),
        "lorenz-84" => new Lorenz84(),
        "two-scale" => new TwoScaleLorenz96(4, 2),
        "advection" => new LinearAdvection(8),
        "shallow water" => new ShallowWater(new ShallowWaterOptions { CellsX = 8, CellsY = 8 }),
        _ => new LinearGaussianSystem().Dynamics,
    };

    [Theory, MemberData(nameof(Models))]
    public void It_passes_for_the_shipped_models(string name)
    {
        var (cost, window) = Around(Model(name));
        var check = cost.CheckGradient(window);
        Assert.True(check.IsRight, check.ToString());
        Assert.InRange(check.RelativeError, 0, 1e-6);
        Assert.EndsWith("right", check.ToString());
        Assert.Equal(2, check.Trajectories.Count);
        // Where the remainder is far above round-off, it falls by 100 with every tenfold smaller step.
        Assert.All(check.Trajectories, each => Assert.InRange(each.Steps[1].Remainder / each.Steps[2].Remainder, 90, 110));
    }

    [Theory, InlineData(ControlVariable.BackgroundSquareRoot), InlineData(ControlVariable.Increment)]
    public void It_passes_for_every_control_variable_and_prior_term_and_along_every_component(ControlVariable variable)
    {
        var model = new Lorenz96(8);
        var (cost, window) = Around(model, null, ScalarType.Float64, variable, 1, new ModelErrorTerm(ErrorCovariance.Scalar(8, 0.01)));
        Assert.True(cost.CheckGradient(window).IsRight);
        var whole = cost.CheckGradient(window, options: new() { WholeGradient = true });
        Assert.True(whole.IsRight, whole.ToString());
        Assert.Equal((40, 40), (whole.Directions, whole.ControlDimension));
        Assert.Contains("all 40 components", whole.ToString());
        Assert.True(cost.CheckGradient(window, cost.Background(window)).IsRight);
    }

    [Fact]
    public void It_is_the_same_from_run_to_run_and_another_with_another_seed()
    {
        var (cost, window) = Around(new Lorenz96(8));
        Assert.Equal(cost.CheckGradient(window).ToString(), cost.CheckGradient(window).ToString());
        Assert.NotEqual(cost.CheckGradient(window).ToString(), cost.CheckGradient(window, options: new() { Seed = 2 }).ToString());
    }

    [Fact]
    public void In_single_precision_it_tells_as_well_as_differences_can()
    {
        var (cost, window) = Around(new Lorenz96(8), precision: ScalarType.Float32);
        var check = cost.CheckGradient(window);
        Assert.True(check.IsRight, check.ToString());
        Assert.InRange(check.Trajectories.Max(each => each.Resolution), 1e-6, 0.03);
    }

    // x + 0.1 sin(x), whose adjoint is wrong by a fraction in one component, and whose tangent linear has a neighbour's part too much.
    private sealed class Wrong(double adjoint, double tangent) : DiscreteDynamics(6, 1)
    {
        private static Tensor Off(double fraction, Tensor like) => tensor(new[] { 1 + fraction, 1, 1, 1, 1, 1 }, dtype: like.dtype);
        protected override Tensor Step(Tensor state, double time) => state + 0.1 * state.sin();
        protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) =>
            (1 + 0.1 * state.cos()) * sensitivity * Off(adjoint, state);
        protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
            (Step(state, time), (1 + 0.1 * state.cos()) * perturbation + tangent * perturbation.roll(2, -1));
    }

    [Theory, InlineData(1e-3), InlineData(-0.5), InlineData(1e-5), InlineData(-2)]
    public void It_finds_a_wrong_adjoint(double fraction)
    {
        var (cost, window) = Around(new Wrong(fraction, 0));
        var check = cost.CheckGradient(window);
        Assert.False(check.IsRight);
        Assert.Contains("not that of the cost", check.ToString());
        Assert.Contains("WRONG", check.ToString());
        Assert.True(Around(new Wrong(0, 0)) is var (right, same) && right.CheckGradient(same).IsRight);
    }

    [Fact]
    public void It_finds_a_tangent_linear_that_is_not_the_adjoints_transpose()
    {
        var (cost, window) = Around(new Wrong(0, 0.1));
        var check = cost.CheckGradient(window);
        Assert.InRange(check.RelativeError, 0, 1e-6);
        Assert.False(check.IsRight);
        Assert.Contains("not symmetric", check.ToString());
    }

    [Fact]
    public void At_the_minimum_it_says_that_nothing_can_be_told()
    {
        var (cost, window) = Around(new Lorenz96(8));
        var minimum = new QuasiNewtonFourDimensionalVariational(cost, new() { GradientReduction = 1e-13,
            MaximumIterations = 300 }).Minimise(window);
        var check = cost.CheckGradient(window, minimum.Control);
        Assert.False(check.IsRight);
        Assert.Contains("the check cannot decide", check.ToString());
    }

    [Theory, InlineData(1), InlineData(3), InlineData(8), InlineData(100)]
    public void Gradient_by_differences_is_the_gradient_however_many_components_run_at_once(long atOnce)
    {
        var (cost, window) = Around(new Lorenz96(8));
        var v = new ControlVector(0.3 * ones([2, 8], dtype: ScalarType.Float64));
        var expected = cost.Gradient(cost.Run(window, v), v).Values;
        Compare.Close(expected, cost.GradientByDifferences(window, v, atOnce: atOnce).Values, 1e-5);
        Compare.Close(cost.GradientByDifferences(window, v).Values, cost.GradientByDifferences(window, v, atOnce: atOnce).Values, 1e-7);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        var (cost, window) = Around(new Lorenz96(8));
        var v = cost.Background(window);
        Assert.Throws<ArgumentOutOfRangeException>(() => cost.GradientByDifferences(window, v, step: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => cost.GradientByDifferences(window, v, atOnce: 0));
        Assert.Throws<ArgumentException>(() => cost.GradientByDifferences(window, new(v.Values.narrow(1, 0, 7))));
        Assert.Throws<ArgumentException>(() => cost.CheckGradient(window, new(v.Values.narrow(1, 0, 7))));
        Assert.Contains("from the largest", Assert.Throws<ArgumentException>(() => cost.CheckGradient(window,
            options: new() { Steps = [1e-3, 1e-2, 1e-1] })).Message);
        Assert.Throws<ArgumentException>(() => cost.CheckGradient(window, options: new() { Steps = [1e-3, 1e-4] }));
        Assert.Throws<ArgumentOutOfRangeException>(() => cost.CheckGradient(window, options: new() { Directions = 0 }));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => cost.CheckGradient(window, cancellation: source.Token));
        Assert.Throws<OperationCanceledException>(() => cost.GradientByDifferences(window, v, cancellation: source.Token));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var through emulators: the closed form where they are linear, one minimum by both minimisations where they are not, the
/// truth where they are exact.</summary>
public sealed class EmulatorWindowTests : IDisposable
{
    private const int R = 2, L = 3, N = R * L; // coefficients, lags, state

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(37);
    public void Dispose() => scope.Dispose();

    private static readonly IncrementalOptions Incremental = new()
    {
        OuterIterations = 40, ControlTolerance = 1e-12, InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 200,
            ResidualReduction = 1e-13 }),
    };

    private static readonly QuasiNewtonOptions QuasiNewton = new() { GradientReduction = 1e-10, MaximumIterations = 400, Memory = 20 };

    /// <summary>z' = (A z + nonlinearity, newest lags) as a module.</summary>
    private sealed class LaggedModule : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear hidden, output;
        private readonly double share;

        public LaggedModule(double nonlinear, ScalarType precision) : base("lagged")
        {
            share = nonlinear;
            hidden = nn.Linear(N, 16, dtype: precision);
            output = nn.Linear(16, R, hasBias: false, dtype: precision);
            RegisterComponents();
            using var random = new RandomStream(11, "lagged", CPU);
            using var gradients = no_grad();
            foreach (var parameter in parameters()) parameter.copy_(0.5 * random.Normal(parameter.shape, ScalarType.Float64));
        }

        public override Tensor forward(Tensor z)
        {
            var h = hidden.call(z);
            return cat([0.5 * output.call(share * h.tanh() + (1 - share) * h), z.narrow(-1, 0, N - R)], -1);
        }
    }

    private static Emulator Emulator(double nonlinear, ScalarType precision = ScalarType.Float64) => new("lagged",
        new LaggedModule(nonlinear, precision), N, 1);

    private IErrorCovariance B(WindowControl control)
    {
        using var random = context.Random("b");
        var factor = random.Normal([N, N], ScalarType.Float64);
        return control.Restrict(ErrorCovariance.Full(0.3 * (factor.matmul(factor.T) / N + 0.3 * eye(N, dtype: ScalarType.Float64))));
    }

    private static readonly Tensor Modes = tensor(new[,] { { 1.0, 0.2 }, { -0.5, 0.7 }, { 0.3, 1.1 } }).DetachFromDisposeScope();

    // The newest coefficients, then what they stand for at three places.
    private static ComposedObservationOperator Observed() => new SubsetObservationOperator(N, 0,
        1).Then(new LinearObservationOperator(Modes));

    /// <summary>Truth, background and observations drawn from B and R, in a window of 5 steps; some observations are missing.</summary>
    private (AssimilationWindow Window, Tensor Truth) Twin(IDynamics model, IErrorCovariance b, double variance, long batch,
        ScalarType precision = ScalarType.Float64)
    {
        using var random = context.Random("twin");
        var background = random.Normal([batch, N], ScalarType.Float64);
        var truth = background + b.Sample([batch], random, ScalarType.Float64);
        var h = Observed();
        var observations = ((int[])[0, 1, 3, 5]).Select(step => new Observation(
            (h.Apply(model.Advance(truth, new TimeInterval(0, step))) + Math.Sqrt(variance) * random.Normal([batch, 3],
                ScalarType.Float64)).to(precision),
            random.Uniform([batch, 3], ScalarType.Float64) > 0.3, step)).ToList();
        return (new(new State(background.to(precision)), new TimeInterval(0, 5), 1, observations), truth);
    }

    private static FourDimensionalVariationalCost Cost(IDynamics model, IErrorCovariance b, double variance, params IPriorTerm[] more) =>
        new(model, [new BackgroundTerm(b), .. more], [new ObservationTerm(Observed(), ErrorCovariance.Scalar(3, variance))]);

    private static void Close(Tensor expected, Tensor actual, double tolerance) =>
        Assert.InRange((expected - actual).abs().max().ToDouble(), 0, tolerance * expected.abs().max().ToDouble());

    // (I + G^T R^-1 G) with G = H M^k L, and G^T R^-1 d, in dense algebra, for one trajectory: its observations that are there.
    private static (Tensor Hessian, Tensor RightSide) Normal(Tensor m, IErrorCovariance b, AssimilationWindow window, int i,
        double variance)
    {
        Tensor root = b.Root(ScalarType.Float64, CPU).T, hessian = eye(N, dtype: ScalarType.Float64), right = zeros(N,
            dtype: ScalarType.Float64);
        var h = cat([Modes, zeros([3, N - R], dtype: ScalarType.Float64)], -1);
        foreach (var y in window.Observations)
        {
            var along = h.matmul(m.matrix_power((int)y.Time));
            var there = y.Mask![i].to(ScalarType.Float64).unsqueeze(-1);
            var g = there * along.matmul(root);
            hessian = hessian + g.T.matmul(g) / variance;
            right = right + g.T.matmul(y.Values[i] - along.matmul(window.Background.Values[i])) / variance;
        }
        return (hessian, right);
    }

    private static Tensor MatrixOf(IDynamics model) =>
        (model.Advance(eye(N, dtype: ScalarType.Float64), new TimeInterval(0, 1)) - model.Advance(zeros([N, N],
            dtype: ScalarType.Float64), new TimeInterval(0, 1))).T;

    [Theory, InlineData(true, true), InlineData(true, false), InlineData(false, true), InlineData(false, false)]
    public void The_minimum_of_a_linear_emulator_is_the_closed_form(bool module, bool wholeWindow)
    {
        // Without its bias the module is linear.
        var emulator = Emulator(0);
        using (no_grad()) emulator.Network.get_parameter("hidden.bias")!.zero_();
        var m = MatrixOf(emulator);
        IDynamics model = module ? emulator : new LinearDynamics(m);
        var b = B(wholeWindow ? WindowControl.WholeWindow : WindowControl.InitialCondition(R));
        var (window, _) = Twin(model, b, 0.1, batch: 3);
        var expected = stack([.. Enumerable.Range(0, 3).Select(i =>
        {
            var (hessian, right) = Normal(m, b, window, i, 0.1);
            return window.Background.Values[i] + b.Root(ScalarType.Float64, CPU).T.matmul(linalg.solve(hessian, right));
        })], 0);
        var cost = Cost(model, b, 0.1);
        foreach (MinimisationOptions options in (MinimisationOptions[])[Incremental,
            Incremental with { InnerSolver = new LanczosSolver(), OuterIterations = 8, Preconditioning = new RitzPreconditioning() },
                QuasiNewton])
        {
            var result = options.Of(cost).Minimise(window);
            Close(expected, result.Analysis.Values, 1e-8);
            if (!wholeWindow) Assert.True(result.Analysis.Values.narrow(1, R, N - R).equal(window.Background.Values.narrow(1, R,
                N - R)).all().ToBoolean());
            Assert.Equal(["Jb", "Jo"], result.Cost.Parts.Select(part => part.Term));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Both_minimisations_find_one_minimum_of_a_nonlinear_emulator_and_its_gradient_is_right(bool wholeWindow)
    {
        var model = Emulator(0.8);
        var b = B(wholeWindow ? WindowControl.WholeWindow : WindowControl.InitialCondition(R));
        var (window, _) = Twin(model, b, 0.05, batch: 2);
        var q = WindowControl.InitialCondition(R).Restrict(ErrorCovariance.Scalar(N, 0.01));
        foreach (var cost in (FourDimensionalVariationalCost[])[Cost(model, b, 0.05), Cost(model, b, 0.05, new ModelErrorTerm(q))])
        {
            var check = cost.CheckGradient(window);
            Assert.True(check.IsRight, check.ToString());
            var (expected, actual) = (Incremental.Of(cost).Minimise(window), QuasiNewton.Of(cost).Minimise(window));
            Close(expected.Analysis.Values, actual.Analysis.Values, 1e-7);
            Close(expected.End.Values, actual.End.Values, 1e-7);
            Close(expected.Cost.Total, actual.Cost.Total, 1e-12);
            Close(expected.Control.Values, (Incremental with { InnerSolver = new LanczosSolver(new() { MaximumIterations = 100,
                ResidualReduction = 1e-10 }), Preconditioning = new RitzPreconditioning() })
                .Of(cost).Minimise(window).Control.Values, 1e-7);
        }
    }

    [Theory, InlineData(ScalarType.Float32, ScalarType.Float32), InlineData(ScalarType.Float64, ScalarType.Float32)]
    public void In_single_precision_states_or_weights_the_minimum_is_that_of_double_precision_to_theirs(ScalarType states,
        ScalarType weights)
    {
        var b = B(WindowControl.WholeWindow);
        var model = Emulator(0.8, weights);
        var (window, _) = Twin(Emulator(0.8), b, 0.05, batch: 2, states);
        var cost = Cost(model, b, 0.05);
        var exact = new AssimilationWindow(new(window.Background.Values.to(ScalarType.Float64)), window.Span, 1,
            [.. window.Observations.Select(y => y with { Values = y.Values.to(ScalarType.Float64) })]);
        var expected = Incremental.Of(Cost(Emulator(0.8), b, 0.05)).Minimise(exact).Analysis.Values;
        var loose = new IncrementalOptions { OuterIterations = 30, ControlTolerance = 1e-6,
            InnerSolver = new ConjugateGradientSolver(new() { ResidualReduction = 1e-5 }) };
        // A line search finds a minimum by its cost, which rounding knows to 1.2e-7 and so its place to the root of that, 3.5e-4.
        var quasiNewton = new QuasiNewtonOptions { GradientReduction = 1e-5 };
        foreach (var (options, tolerance) in ((MinimisationOptions, double)[])[(loose, 1e-4), (quasiNewton, 1e-3)])
        {
            var result = options.Of(cost).Minimise(window);
            Assert.Equal(states, result.Analysis.Values.dtype);
            Close(expected, result.Analysis.Values.to(ScalarType.Float64), tolerance);
        }
        var check = cost.CheckGradient(window);
        Assert.True(check.IsRight, check.ToString());
    }

    [Theory, InlineData(0.0, true), InlineData(0.0, false), InlineData(0.5, true)]
    public void Where_the_emulator_is_exact_the_truth_is_found_to_the_posterior_covariance(double nonlinear, bool wholeWindow)
    {
        const int batch = 600;
        var model = Emulator(nonlinear);
        using (no_grad()) model.Network.get_parameter("hidden.bias")!.zero_();
        var whole = B(WindowControl.WholeWindow).ToMatrix(ScalarType.Float64, CPU);
        // Where it is nonlinear errors are small, so that the posterior is normal.
        double size = nonlinear == 0 ? 1 : 1e-4;
        var b = (wholeWindow ? WindowControl.WholeWindow : WindowControl.InitialCondition(R)).Restrict(ErrorCovariance.Full(size * whole));
        double variance = 0.1 * size;
        var (window, truth) = Twin(model, b, variance, batch);
        var cost = Cost(model, b, variance);
        var result = Incremental.Of(cost).Minimise(window);
        // (x - x_t)^T P^-1 (x - x_t) in control space, P^-1 the Hessian: chi-square with as many degrees of freedom as are varied.
        var b_root = b.Root(ScalarType.Float64, CPU).T;
        var error = (result.Analysis.Values - truth).matmul(linalg.pinv(b_root).T);
        var product = cost.HessianProduct(result.Trajectory, new(error.contiguous())).Values;
        int freedom = wholeWindow ? N : R;
        double chiSquare = (error * product).sum(-1).mean().ToDouble(), standardError = Math.Sqrt(2.0 * freedom / batch);
        Assert.InRange((chiSquare - freedom) / standardError, -4, 4);
        // 2 J at the minimum: chi-square with as many degrees as there are observations.
        var there = stack([.. window.Observations.Select(y => y.Mask!.to(ScalarType.Float64).sum(-1))], 0).sum(dim: 0);
        double excess = (2 * result.Cost.Total - there).sum().ToDouble() / Math.Sqrt(2 * there.sum().ToDouble());
        Assert.InRange(excess, -4, 4);
    }

    [Fact]
    public void Sparse_sites_of_a_field_are_observed_through_the_modes_by_interpolation()
    {
        double[] latitudes = [60, 50, 40], longitudes = [230, 240, 250, 260];
        using var random = context.Random("field");
        var (modes, _) = linalg.qr(random.Normal([12, R], ScalarType.Float64));
        var weights = ones(12, dtype: ScalarType.Float64);
        var decomposition = new ProperOrthogonalDecomposition(random.Normal([12], ScalarType.Float64), modes, weights,
            ones(R, dtype: ScalarType.Float64), weights);
        var sites = new InterpolationObservationOperator(latitudes, longitudes, (55, 233), (41.5, 259), (50, 240), (44, 247.5));
        var h = new SubsetObservationOperator(N, 0, 1).Then(new ReconstructionOperator(decomposition)).Then(sites);
        ObservationOperatorConformance.Check(h);
        var model = Emulator(0.8);
        var b = B(WindowControl.InitialCondition(R));
        var background = random.Normal([2, N], ScalarType.Float64);
        var window = new AssimilationWindow(new(background), new TimeInterval(0, 4), 1,
            [.. ((int[])[1, 2, 4]).Select(step => new Observation(random.Normal([2, 4], ScalarType.Float64), null, step))]);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(b)], [new ObservationTerm(h, ErrorCovariance.Scalar(4,
            0.1))]);
        var check = cost.CheckGradient(window);
        Assert.True(check.IsRight, check.ToString());
        Close(Incremental.Of(cost).Minimise(window).Analysis.Values, QuasiNewton.Of(cost).Minimise(window).Analysis.Values, 1e-7);
        var coefficients = random.Normal([3, N], ScalarType.Float64);
        Assert.True(h.Apply(coefficients).equal(Reloaded.Of(h, context).Apply(coefficients)).all().ToBoolean());
    }

    [Fact]
    public void Without_any_observation_the_analysis_is_the_background()
    {
        var model = Emulator(0.8);
        var cost = Cost(model, B(WindowControl.WholeWindow), 0.1);
        var (some, _) = Twin(model, B(WindowControl.WholeWindow), 0.1, batch: 2);
        var missing = some.Observations.Select(y => y with { Mask = zeros_like(y.Mask!) }).ToList();
        foreach (var observations in (IReadOnlyList<Observation>[])[missing, []])
            foreach (var options in (MinimisationOptions[])[Incremental, QuasiNewton])
            {
                var result = options.Of(cost).Minimise(new(some.Background, some.Span, 1, observations));
                Assert.True(result.Analysis.Values.equal(some.Background.Values).all().ToBoolean());
                Assert.Equal(0, result.Cost.Total.abs().max().ToDouble());
            }
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The learned Hessian for observing networks that change.</summary>
public sealed class ObservedHessianTests : IDisposable
{
    private const int Systems = 40;
    private static readonly FieldLayout Circle = FieldLayout.Circle(9);
    private static readonly FieldLayout Plane = new(StateGrid.Plane(3, 4), [new(3, 4), new(3, 3)]);

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(5, "observed hessians", CPU);

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
    }

    private static FieldLayout Layout(string name) => name == "circle" ? Circle : Plane;

    private static ObservedHessianNetwork Network(FieldLayout layout, int times, int? rank = null, bool blind = false)
    {
        long fields = layout.Fields.Count;
        var trunk = new UNet(layout, fields, new() { Features = 4, Levels = 0 }, ScalarType.Float64);
        return new(trunk, blind ? fields : fields * (1 + times), 4, layout, times, scale: 2, reach: 1, rank, rest: 0.5,
            ScalarType.Float64);
    }

    // Weights that begin as zero would hide what they multiply.
    private ObservedHessianNetwork Drawn(FieldLayout layout, int times, int? rank = null, bool blind = false)
    {
        var network = Network(layout, times, rank: rank, blind: blind);
        using var noGradients = no_grad();
        foreach (var parameter in network.parameters()) parameter.copy_(0.3 * random.Normal(parameter.Sizes(), ScalarType.Float64));
        return network;
    }

    private Tensor Inputs(FieldLayout layout, params Tensor[] weights) =>
        cat([layout.ToFields(random.Normal([2, layout.Dimension], ScalarType.Float64)), .. weights.Select(layout.ToFields)], 1);

    private Tensor Uniform(FieldLayout layout) => random.Uniform([2, layout.Dimension], ScalarType.Float64);

    private static Tensor Dense(HessianNetwork network, Tensor inputs, long n) =>
        network.call(inputs, eye(n, dtype: ScalarType.Float64).expand(2, n, n));

    private static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().ToDouble() / expected.abs().max().ToDouble(), 0, tolerance);
    }

    [Fact]
    public void A_stencil_that_is_the_exact_model_gives_the_exact_matrix()
    {
        // Advection by one site a time on a circle: I + S moves everything on, so that site p sees at time i what was at p - i.
        using var noGradients = no_grad();
        var network = Network(Circle, times: 3);
        var bias = network.named_parameters().Single(pair => pair.name == "stencils.bias").parameter;
        bias.copy_(tensor(new double[] { 1, -1, 0, 1, -1, 0, 1, -1, 0 }));
        Tensor[] w = [Uniform(Circle), Uniform(Circle), Uniform(Circle)];
        var expected = 0.5 + 4 * (w[0].roll(-1, -1) + w[1].roll(-2, -1) + w[2].roll(-3, -1));
        Close(expected.diag_embed(), Dense(network, Inputs(Circle, w), 9), 1e-14);
    }

    [Theory]
    [InlineData("circle", false)]
    [InlineData("circle", true)]
    [InlineData("plane", false)]
    [InlineData("plane", true)]
    public void Products_inverse_and_eigenpairs_are_those_of_one_positive_definite_matrix(string grid, bool blind)
    {
        using var noGradients = no_grad();
        var layout = Layout(grid);
        long n = layout.Dimension;
        var network = Drawn(layout, times: 2, blind: blind);
        var inputs = blind ? Inputs(layout) : Inputs(layout, Uniform(layout), Uniform(layout));
        var matrix = Dense(network, inputs, n);
        Close(matrix.mT, matrix, 1e-13);
        Assert.True(linalg.eigvalsh(matrix).min().ToDouble() >= 0.5 - 1e-10);
        var (values, vectors) = network.Eigenpairs(inputs);
        Assert.True((values.diff(dim: 1) <= 0).all().ToBoolean());
        Close(eye(n, dtype: ScalarType.Float64).expand(2, n, n), vectors.matmul(vectors.mT), 1e-12);
        Close(matrix, vectors.mT.matmul(values.unsqueeze(-1) * vectors), 1e-12);
        var y = random.Normal([2, 3, n], ScalarType.Float64);
        var (solved, logarithm) = network.Invert(inputs, y);
        Close(y, network.call(inputs, solved), 1e-11);
        Close(values.log().sum(-1), logarithm, 1e-12);
        var (leading, _) = Ranked(network, layout, 3, blind).Eigenpairs(inputs);
        Close(values.narrow(1, 0, 3), leading, 1e-12);
    }

    private static ObservedHessianNetwork Ranked(ObservedHessianNetwork network, FieldLayout layout, int rank, bool blind)
    {
        var fewer = Network(layout, 2, rank: rank, blind: blind);
        foreach (var (to, from) in fewer.parameters().Zip(network.parameters())) to.copy_(from);
        return fewer;
    }

    [Fact]
    public void Observations_add_up_and_none_leave_the_rest()
    {
        using var noGradients = no_grad();
        var network = Drawn(Plane, times: 2);
        long n = Plane.Dimension;
        Tensor a = Uniform(Plane), b = Uniform(Plane), nothing = zeros_like(a), inputs = Inputs(Plane, nothing, nothing);
        Tensor Of(Tensor first, Tensor second)
        {
            var seen = inputs.clone();
            seen.narrow(1, 2, 4).copy_(cat([Plane.ToFields(first), Plane.ToFields(second)], 1));
            return Dense(network, seen, n) - 0.5 * eye(n, dtype: ScalarType.Float64);
        }
        Assert.Equal(0, Of(nothing, nothing).abs().max().ToDouble());
        Close(Of(3 * a + b, 2 * b), 3 * Of(a, nothing) + Of(b, nothing) + 2 * Of(nothing, b), 1e-13);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_what_was_given_and_needed()
    {
        var trunk = new UNet(Circle, 1, new() { Features = 4, Levels = 0 });
        Assert.Contains("1 channels (the state alone) or 4",
            Assert.Throws<ArgumentException>(() => new ObservedHessianNetwork(trunk, 3, 4, Circle, 3, 1)).Message);
        Assert.Contains("between 1 and the dimension, 9",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ObservedHessianNetwork(trunk, 4, 4, Circle, 3, 1, rank: 10)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ObservedHessianNetwork(trunk, 4, 4, Circle, 3, scale: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ObservedHessianNetwork(trunk, 4, 4, Circle, 3, 1, rest: 0));
        var network = new ObservedHessianNetwork(trunk, 4, 4, Circle, 3, 1);
        Assert.Contains("input", Assert.Throws<ArgumentException>(() => network.call(zeros(2, 3, 9), zeros(2, 1, 9))).Message);
        using var twin = new ChangingTwin();
        var learned = twin.Learn(1, twin.Observed);
        var other = new AssimilationWindow(new State(twin.States(2, random)), new TimeInterval(0, 0.3), 0.05, []);
        Assert.Contains("3 times; the window has 0",
            Assert.Throws<ArgumentException>(() => twin.Linearised(other, (at, quadratic) => learned.Find(at, quadratic, []))).Message);
    }

    [Fact]
    public void It_is_saved_and_loaded_to_the_bit()
    {
        using var twin = new ChangingTwin();
        var learned = twin.Learn(3, twin.Observed);
        var loaded = Reloaded.Of(learned, twin.Context);
        var window = twin.Window(new State(twin.States(3, random)), random);
        RitzPairs Pairs(LearnedEigenpairs source) => twin.Linearised(window, (at, quadratic) => source.Find(at, quadratic, []));
        RitzPairs expected = Pairs(learned), actual = Pairs(loaded);
        Bits.Equal(expected.Values, actual.Values);
        Bits.Equal(expected.Vectors, actual.Vectors);
    }

    [Fact]
    public void On_unseen_states_and_networks_seeing_the_mask_beats_not_seeing_it_and_none()
    {
        using var twin = new ChangingTwin();
        var seeing = twin.Learn(800, twin.Observed);
        var blind = twin.Learn(800, null);
        var window = twin.Observe(new State(twin.States(Systems, random)), random);
        var (none, solution) = twin.Solve(window, new NoPreconditioning());
        var (with, same) = twin.Solve(window, new SpectralPreconditioning(seeing, new() { Mu = 1 }));
        var (without, _) = twin.Solve(window, new SpectralPreconditioning(blind, new() { Mu = 1 }));
        // The other form that spends no products does not help the blind one.
        var (kept, _) = twin.Solve(window, new SpectralPreconditioning(blind.Leading(20)));
        Close(solution, same, 1e-5);
        foreach (double reduction in (double[])[1e-7, 1e-3])
        {
            double seen = Median(with, reduction);
            TestContext.Current.SendDiagnosticMessage(string.Join("; ",
                new[] { none, with, without, kept }.Select(each => Quartiles(each, reduction))));
            Assert.True(seen <= 0.9 * Median(without, reduction));
            Assert.True(seen <= 0.9 * Median(kept, reduction));
            Assert.True(seen <= 0.75 * Median(none, reduction));
            Assert.True(Median(without, reduction) < Median(none, reduction));
        }
    }

    private static int[] Iterations(IReadOnlyList<InnerReport> reports, double reduction) =>
        [.. reports.Select(report => report.ResidualNorms.TakeWhile(norm => norm > reduction * report.ResidualNorms[0]).Count()).Order()];

    private static double Median(IReadOnlyList<InnerReport> reports, double reduction) => Iterations(reports, reduction)[Systems / 2];

    private static string Quartiles(IReadOnlyList<InnerReport> reports, double reduction)
    {
        int[] sorted = Iterations(reports, reduction);
        return $"{sorted[Systems / 2]} [{sorted[Systems / 4]}, {sorted[3 * Systems / 4]}]";
    }
}

/// <summary>
/// 4D-Var on Lorenz-96 over six steps of 0.05, of which the second, fourth and sixth are observed, each site with probability 1/2;
/// background variance 1, error variance 0.01.
/// </summary>
internal sealed class ChangingTwin : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly FourDimensionalVariationalCost cost;
    private readonly FieldLayout layout = FieldLayout.Circle(40);

    public ChangingTwin()
    {
        Context = new DataAssimilationContext(seed: 5);
        Model = new Lorenz96();
        Observed = new(new IdentityObservationOperator(40), ErrorCovariance.Scalar(40, 0.01));
        cost = new(Model, [new BackgroundTerm(ErrorCovariance.Scalar(40, 1))], [Observed]);
    }

    public DataAssimilationContext Context { get; }
    public Lorenz96 Model { get; }
    public ObservationTerm Observed { get; }

    public void Dispose() => scope.Dispose();

    public Tensor States(long count, RandomStream random) =>
        new AttractorInitialCondition(Model, 20).Draw(count, random, ScalarType.Float64);

    public AssimilationWindow Window(State background, RandomStream random) =>
        Window(background, random, _ => zeros_like(background.Values));

    /// <summary>A window with observations of a truth that differs from the background by a draw of its error.</summary>
    public AssimilationWindow Observe(State background, RandomStream random)
    {
        Tensor Noise() => random.Normal(background.Values.Sizes(), ScalarType.Float64);
        var truth = new AssimilationWindow(new State(background.Values + Noise()), new(0, 0.3), Model.TimeStep, []);
        var run = cost.Run(truth, cost.Background(truth));
        return Window(background, random, time => run.At(time).Values + 0.1 * Noise());
    }

    /// <summary>A network that sees what is observed, or with null the same one that does not and so learns the average.</summary>
    public LearnedEigenpairs Learn(long steps, ObservationTerm? seen)
    {
        var create = LearnedPreconditioningEstimator.Observed(layout, times: 3, scale: 10, new() { Levels = 0, KernelSize = 9 }, reach: 4);
        var training = new TrainingOptions { Steps = steps, LearningRate = 8e-3, ValidationInterval = 100 };
        return new LearnedPreconditioningEstimator(seen is null ? "blind" : "seeing", Context, cost, layout, create,
            new() { Probes = 8, Training = training }, observations: seen)
            .Fit(new(Model, new AttractorInitialCondition(Model, 5), Window, new() { Batch = 16, ShortestLead = 0.5, LongestLead = 1 }));
    }

    public T Linearised<T>(AssimilationWindow window, Func<WindowTrajectory<State>, QuadraticCost, T> use)
    {
        var control = cost.Background(window);
        var at = cost.Run(window, control);
        using var quadratic = cost.Linearise(at, control, zeros([window.Batch], dtype: ScalarType.Float64));
        return use(at, quadratic);
    }

    public (IReadOnlyList<InnerReport> Reports, Tensor Solution) Solve(AssimilationWindow window, IPreconditioning method)
    {
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 100, ResidualReduction = 1e-7 });
        var solution = Linearised(window, (at, quadratic) => solver.Solve(quadratic, method.Prepare(at, quadratic, [])));
        return (solution.Trajectories, solution.Solution.Values);
    }

    private AssimilationWindow Window(State background, RandomStream random, Func<double, Tensor> values)
    {
        Tensor Mask() => random.Uniform(background.Values.Sizes(), ScalarType.Float64) < 0.5;
        return new(background, new(0, 0.3), Model.TimeStep,
            [.. new[] { 0.1, 0.2, 0.3 }.Select(time => new Observation(values(time), Mask(), time))]);
    }
}

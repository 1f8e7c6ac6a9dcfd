using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class LearnedPreconditioningTests : IDisposable
{
    private const int Sites = 12;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory();

    public void Dispose()
    {
        scope.Dispose();
        folder.Delete(recursive: true);
    }

    private static readonly FieldLayout Layout = FieldLayout.Circle(Sites);

    private static DataAssimilationContext Context(long seed = 5) => new(seed);

    private static Lorenz96 Model => new(Sites);

    private static ObservationTerm Term => new(new IdentityObservationOperator(Sites), ErrorCovariance.Scalar(Sites, 0.01));

    private static FourDimensionalVariationalCost Cost(ObservationTerm? term = null) =>
        new(Model, [new BackgroundTerm(ErrorCovariance.Scalar(Sites, 1))], [term ?? Term]);

    private static AssimilationWindow Window(State state, bool[]? observed = null)
    {
        long batch = state.Values.size(0);
        var mask = observed is null ? null : tensor(observed).expand(batch, Sites);
        return new(state, new TimeInterval(0, 0.2), 0.05, [new Observation(zeros([batch, Sites], dtype: state.Values.dtype), mask, 0.2)]);
    }

    private static OnlineWindows Windows(long batch = 8, Func<State, AssimilationWindow>? window = null) =>
        new(Model, new GaussianInitialCondition(zeros(Sites, dtype: ScalarType.Float64), ErrorCovariance.Scalar(Sites, 9)),
        (state, _) => window is null ? Window(state)
        : window(state), new() { Batch = batch, SpinUp = 5, ShortestLead = 0.5, LongestLead = 1.5 });

    private static FixedEigenpairs Average(int pairs = Sites)
    {
        using var random = new RandomStream(3, "average", CPU);
        using var sequence = Windows().Open(random, ScalarType.Float64);
        return new FixedPreconditioningEstimator(Cost()).FindEigenpairs([sequence.Next(), sequence.Next()], new ComputedEigenpairs(pairs));
    }

    private static LearnedPreconditioningOptions Options(HessianLoss loss, long steps = 120, string? checkpoint = null) => new()
    {
        Loss = loss, Probes = 8, StatisticsBatches = 4, ValidationBatches = 2,
        Training = new() { Steps = steps, LearningRate = 2e-3, ValidationInterval = 20, WarmUpSteps = 5, CheckpointPath = checkpoint },
    };

    private static LearnedPreconditioningEstimator Residual(FixedEigenpairs average, LearnedPreconditioningOptions? options = null) =>
        new("residual", Context(), Cost(), Layout,
        LearnedPreconditioningEstimator.Transported(Layout, average, new() { Features = 8, Levels = 1, Attention = false }, reach: 2),
        options ?? Options(HessianLoss.Divergence), average);

    [Fact]
    public void A_learned_correction_is_better_than_the_fixed_pairs_on_states_it_has_not_seen()
    {
        var average = Average();
        var learned = Residual(average, Options(HessianLoss.Divergence, steps: 300) with { Probes = 32 }).Fit(Windows(16));
        Assert.True(learned.History!.Best!.ValidationError < -0.15,
            $"The divergence less that of the fixed pairs is {learned.History.Best.ValidationError}.");
        double none = Condition(new NoPreconditioning()), fixedPairs = Condition(new SpectralPreconditioning(average, new() { Mu = 1 }));
        double corrected = Condition(new SpectralPreconditioning(learned, new() { Mu = 1 }));
        Assert.True(corrected < 0.7 * fixedPairs
            && corrected < 0.7 * none, $"condition numbers: none {none}, fixed {fixedPairs}, corrected {corrected}");
        // The limited-memory form takes any subspace and solves the same system.
        Assert.InRange(Condition(new LimitedMemoryPreconditioning(learned)), 1, none);
    }

    // The geometric mean of the condition numbers of 16 systems, whose solutions must be those without a preconditioner.
    private static double Condition(IPreconditioning preconditioning)
    {
        using var inner = NewDisposeScope();
        using var random = new RandomStream(11, "unseen", CPU);
        using var sequence = Windows(16).Open(random, ScalarType.Float64);
        using var noGradients = no_grad();
        var window = sequence.Next();
        var cost = Cost();
        var control = cost.Background(window);
        var run = cost.Run(window, control);
        using var quadratic = cost.Linearise(run, control, zeros([16], dtype: ScalarType.Float64));
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 200, ResidualReduction = 1e-9 });
        var solution = solver.Solve(quadratic, preconditioning.Prepare(run, quadratic, []));
        var plain = solver.Solve(quadratic, new IdentityPreconditioner());
        Assert.Equal(0, (solution.Solution.Values - plain.Solution.Values).abs().max().ToDouble(),
            1e-6 * plain.Solution.Values.abs().max().ToDouble());
        return Math.Exp(solution.Trajectories.Average(report => Math.Log(report.ConditionEstimate)));
    }

    [Theory]
    [InlineData(HessianLoss.Frobenius)]
    [InlineData(HessianLoss.RelativeFrobenius)]
    public void The_papers_network_and_losses_learn(HessianLoss loss)
    {
        var estimator = new LearnedPreconditioningEstimator("paper", Context(), Cost(), Layout,
            LearnedPreconditioningEstimator.Spectral(Layout, 10, largest: 2000, new() { Features = 8, Levels = 1, Heads = 2 }),
            Options(loss));
        var history = estimator.Fit(Windows()).History!;
        double first = history.Steps.First(step => step.ValidationError is not null).ValidationError!.Value;
        Assert.True(history.Best!.ValidationError < 0.8 * first, $"{first} before, {history.Best.ValidationError} at best");
    }

    // The loss is what its equation says, with the whole matrix in place of probes.
    [Fact]
    public void The_divergence_by_probes_is_that_of_the_matrices()
    {
        using var noGradients = no_grad();
        using var random = new RandomStream(5, "divergence", CPU);
        using var sequence = Windows(2).Open(random, ScalarType.Float64);
        var average = Average();
        var network = LearnedPreconditioningEstimator.Transported(Layout, average, new() { Features = 8, Levels = 1 }, reach: 2)(
            HessianInputs.Measure(Layout, [sequence.Next(), sequence.Next()], null), random).to(ScalarType.Float64);
        foreach (var parameter in network.parameters()) parameter.add_(0.02 * random.Normal(parameter.Sizes(), ScalarType.Float64));
        var (inputs, window, cost) = (HessianInputs.Measure(Layout, [sequence.Next()], null), sequence.Next(), Cost());
        var probes = new HessianProbes(HessianLoss.Divergence, average);
        double estimate = probes.Loss((HessianNetwork)network, probes.Draw(cost, window, inputs, 20_000, ScalarType.Float64, random))
            .ToDouble();
        var control = cost.Background(window);
        var run = cost.Run(window, control);
        using var quadratic = cost.Linearise(run, control, zeros([2], dtype: ScalarType.Float64));
        var unit = eye(Sites, dtype: ScalarType.Float64).expand(2, Sites, Sites);
        var matrix = quadratic.HessianProducts(unit);
        var (inverse, logarithm) = ((HessianNetwork)network).Invert(inputs.Of(run, ScalarType.Float64), unit);
        var u = average.Vectors[0];
        var fixedInverse = unit[0] + u.mT.matmul((average.Values[0].reciprocal() - 1).unsqueeze(-1) * u);
        var traces = (inverse * matrix).sum([1, 2]) - (fixedInverse * matrix).sum([1, 2]);
        double expected = ((traces + logarithm - average.Values.log().sum()) / (2 * Sites)).mean().ToDouble();
        Assert.Equal(expected, estimate, 0.02 * Math.Max(1, Math.Abs(expected)));
    }

    [Fact]
    public void The_whitened_loss_is_one_for_the_fixed_pairs_and_learns()
    {
        var average = Average(8);
        using (var random = new RandomStream(5, "whitened", CPU))
        using (var sequence = Windows(2).Open(random, ScalarType.Float64))
        {
            var inputs = HessianInputs.Measure(Layout, [sequence.Next(), sequence.Next()], null);
            var network = (HessianNetwork)LearnedPreconditioningEstimator.Transported(Layout, average, new() { Features = 8, Levels = 1 },
                reach: 2)(inputs, random).to(ScalarType.Float64);
            var probes = new HessianProbes(HessianLoss.Whitened, average);
            using var noGradients = no_grad();
            Assert.Equal(1, probes.Loss(network, probes.Draw(Cost(), sequence.Next(), inputs, 5, ScalarType.Float64, random)).ToDouble(),
                1e-5);
        }
        Assert.True(Residual(average, Options(HessianLoss.Whitened, steps: 200)).Fit(Windows(16)).History!.Best!.ValidationError < 0.8);
    }

    [Fact]
    public void A_training_goes_on_from_its_checkpoint_to_the_same_bits()
    {
        var average = Average();
        var whole = Residual(average, Options(HessianLoss.Divergence, steps: 12) with { Training = Short(null) }).Fit(Windows());
        string checkpoint = Path.Combine(folder.FullName, "training.checkpoint");
        using var stop = new CancellationTokenSource();
        // Cancelled in the sixth step, whatever the machine's speed: 4 windows are for statistics and 2 for validation.
        int made = 0;
        AssimilationWindow Stopping(State state)
        {
            if (++made == 4 + 2 + 6) stop.Cancel();
            return Window(state);
        }
        var estimator = new LearnedPreconditioningEstimator("residual", Context(), Cost(), Layout,
            LearnedPreconditioningEstimator.Transported(Layout, average, new() { Features = 8, Levels = 1, Attention = false }, reach: 2),
            Options(HessianLoss.Divergence, steps: 12) with { Training = Short(checkpoint) }, average);
        Assert.Equal(TrainingEnd.Cancelled, estimator.Fit(Windows(window: Stopping), stop.Token).History!.End);
        var resumed = Residual(average, Options(HessianLoss.Divergence, steps: 12) with { Training = Short(checkpoint) }).Fit(Windows());
        Assert.Equal(whole.History!.Steps.Select(step => (step.Step, step.Loss, step.GradientNorm)),
            resumed.History!.Steps.Select(step => (step.Step, step.Loss, step.GradientNorm)));
        foreach (var ((name, one), (_, other)) in whole.Network.state_dict().Zip(resumed.Network.state_dict()))
            Assert.True(one.equal(other).all().ToBoolean(), name);

        static TrainingOptions Short(string? path) =>
            new() { Steps = 12, LearningRate = 1e-3, ValidationInterval = 3, WarmUpSteps = 2, CheckpointPath = path };
    }

    [Fact]
    public void What_was_learned_and_read_from_a_file_is_trained_on()
    {
        var average = Average();
        var first = Residual(average, Options(HessianLoss.Divergence, steps: 60) with { Probes = 32 }).Fit(Windows(16));
        string file = Path.Combine(folder.FullName, "first.daml");
        ModelArchive.Write(first, file);
        var read = Context().Model.Load<LearnedEigenpairs>(file);
        var more = Residual(average, Options(HessianLoss.Divergence, steps: 1) with { Probes = 32 }).Fit(Windows(16), from: read);
        // It begins where the first ended, not where the first began.
        Assert.Equal(first.History!.Best!.ValidationError!.Value, more.History!.Best!.ValidationError!.Value,
            0.1 * Math.Abs(first.History.Best.ValidationError.Value));
        Assert.Equal(read.Inputs.Deviations, more.Inputs.Deviations);
        var other = new LearnedPreconditioningEstimator("wider", Context(), Cost(), Layout,
            LearnedPreconditioningEstimator.Transported(Layout, average,
            new() { Features = 16, Levels = 1, Attention = false }, reach: 2), Options(HessianLoss.Divergence, steps: 1), average);
        Assert.Contains("The network's tensor", Assert.Throws<ArgumentException>(() => other.Fit(Windows(), from: read)).Message);
    }

    [Fact]
    public void The_network_may_see_what_is_observed()
    {
        var inputs = HessianInputs.Measure(Layout, [Window(new State(randn(4, Sites, dtype: ScalarType.Float64)))], Term);
        Assert.Equal(2, inputs.Channels);
        var window = Window(new State(zeros(1, Sites, dtype: ScalarType.Float64)),
            [true, false, true, false, true, true, false, false, false, false, false, false]);
        var cost = Cost();
        var run = cost.Run(window, cost.Background(window));
        // In units of the largest weight: one where a site is observed, zero elsewhere.
        Assert.Equal([1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0], inputs.Of(run, ScalarType.Float64)[0, 1].ToArray<double>());
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_what_was_given_and_needed()
    {
        var average = Average();
        Assert.Contains("between 1 and the dimension, 12; given: 13",
            Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralHessianNetwork(new UNet(Layout, 1), 32, Layout, 13, 100)).Message);
        Assert.Contains("above 'rest' = 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralHessianNetwork(new UNet(Layout, 1), 32, Layout, 3, 0.5)).Message);
        Assert.Contains("needs at least 16 points",
            Assert.Throws<ArgumentException>(() => new UNet(Layout, 1, new() { Levels = 4 })).Message);
        Assert.Contains("multiple of Heads",
            Assert.Throws<ArgumentOutOfRangeException>(() => new UNet(Layout, 1, new() { Features = 6 })).Message);
        Assert.Contains("dimension 12; the layout has 10", Assert.Throws<ArgumentException>(() =>
            new TransportedHessianNetwork(new UNet(FieldLayout.Circle(10), 1), 1, 32, FieldLayout.Circle(10), average)).Message);
        Assert.Contains("is measured against fixed eigenpairs",
            Assert.Throws<ArgumentException>(() => new LearnedPreconditioningEstimator("x", Context(), Cost(), Layout,
            LearnedPreconditioningEstimator.Spectral(Layout, 3, 100), Options(HessianLoss.Divergence))).Message);
        Assert.Contains("at least 'ShortestLead' = 2",
            Assert.Throws<ArgumentException>(() =>
                new OnlineWindows(Model, new GaussianInitialCondition(zeros(Sites), ErrorCovariance.Scalar(Sites, 1)),
            (state, _) => Window(state), new() { ShortestLead = 2, LongestLead = 1 })).Message);
        Assert.Contains("which a grid of 3 x 4",
            Assert.Throws<ArgumentException>(() => new FieldLayout(StateGrid.Plane(3, 4), [new(4, 4)])).Message);
        Assert.Contains("cannot hold",
            Assert.Throws<ArgumentException>(() => new FieldLayout(StateGrid.Plane(3, 4, AxisEnds.Periodic), [new(2, 4)])).Message);
        // A network for another grid.
        var other = new LearnedEigenpairs(
            LearnedPreconditioningEstimator.Spectral(FieldLayout.Circle(10), 3, 100)(Measured(10), new RandomStream(1, "w", CPU)),
            Measured(10));
        var window = Window(new State(zeros(1, Sites, dtype: ScalarType.Float64)));
        var cost = Cost();
        var run = cost.Run(window, cost.Background(window));
        using var quadratic = cost.Linearise(run, cost.Background(window), zeros([1], dtype: ScalarType.Float64));
        Assert.Contains("for 10 components on a grid of 1 x 10; the control vector has 12",
            Assert.Throws<ArgumentException>(() => other.Find(run, quadratic, [])).Message);
        Assert.Contains("has 3 eigenpairs; 4 are asked for", Assert.Throws<ArgumentOutOfRangeException>(() => other.Leading(4)).Message);

        static HessianInputs Measured(long sites) => HessianInputs.Measure(FieldLayout.Circle(sites),
            [new AssimilationWindow(new State(randn(4, sites, dtype: ScalarType.Float64)), new TimeInterval(0, 0.1), 0.05, [])], null);
    }

    [Fact]
    public void Fields_lie_on_the_grid_and_come_back()
    {
        var layout = new FieldLayout(StateGrid.Plane(3, 4), [new(3, 4), new(3, 3), new(2, 4)]);
        var states = arange(2 * layout.Dimension, dtype: ScalarType.Float64).view(2, layout.Dimension);
        var fields = layout.ToFields(states);
        Assert.Equal([2, 3, 3, 4], fields.shape);
        Assert.True(layout.ToStates(fields).equal(states).all().ToBoolean());
        Assert.Equal(0, fields[0, 1, 0, 3].ToDouble());      // u has one column less
        Assert.Equal(0, fields[0, 2, 2, 0].ToDouble());      // v has one row less
        var model = new ShallowWater(new() { CellsX = 5, CellsY = 4 });
        var water = FieldLayout.Of(model);
        Assert.Equal(model.Dimension, water.Dimension);
        var state = randn(model.Dimension, dtype: ScalarType.Float64);
        Assert.True(water.ToFields(state)[0].equal(model.Height(state)).all().ToBoolean());
        Assert.True(water.ToFields(state)[2].narrow(0, 0, 3).equal(model.VelocityY(state)).all().ToBoolean());
    }
}

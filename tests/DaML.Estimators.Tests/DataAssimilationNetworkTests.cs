using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Data assimilation networks learned on a small linear-Gaussian system, where the Kalman filter is the optimum.</summary>
public sealed class DataAssimilationNetworkTests : IDisposable
{
    private static readonly DataAssimilationNetworkOptions Small = new() { MemorySize = 16, Layers = 2 };

    private static readonly TrainingOptions Brief = new()
        { Steps = 40, Truncation = 4, ValidationInterval = 20, ValidationCycles = 20, ValidationBurnIn = 5, LearningRate = 3e-3 };

    private readonly string folder = Directory.CreateTempSubdirectory("daml-dan-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // A slowly turning state of which one mixture is observed: only what is remembered tells the rest.
    private sealed class System
    {
        public System(long seed = 0, IProgress<ProgressReport>? progress = null, ScalarType precision = ScalarType.Float32)
        {
            Context = new DataAssimilationContext(new DataAssimilationOptions
                { Seed = seed, NetworkPrecision = precision, Progress = progress });
            Dynamics = new LinearDynamics(0.95 * tensor(new[,] { { Math.Cos(0.4), -Math.Sin(0.4) }, { Math.Sin(0.4), Math.Cos(0.4) } }))
                { ModelError = ErrorCovariance.Scalar(2, 0.1) };
            Observing = new ObservationNetwork(new LinearObservationOperator(tensor(new[,] { { 1.0, 0.3 } })),
                ErrorCovariance.Scalar(1, 0.5), null);
            Initial = new GaussianInitialCondition(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1));
            Training = View("training", 64);
            Validation = View("validation", 64);
            Test = View("test", 64, 150);
        }

        public DataAssimilationContext Context { get; }
        public LinearDynamics Dynamics { get; }
        public ObservationNetwork Observing { get; }
        public GaussianInitialCondition Initial { get; }
        public ITrajectoryView Training { get; }
        public ITrajectoryView Validation { get; }
        public ITrajectoryView Test { get; }

        public ITrajectoryView View(string stream, long batch, long? cycles = null) =>
            Context.Data.Twin(new AssimilationSystem(Dynamics, Observing) { Initial = Initial },
                new() { Stream = stream, Batch = batch, Cycles = cycles });

        public SequentialAssimilation<VectorMemory> Fit(TrainingOptions? training = null, DataAssimilationNetworkOptions? network = null) =>
            Context.Analysis.DataAssimilationNetwork(Observing, 1, network ?? Small, training ?? Brief).Fit(Training, Validation);

        public ScoreReport Score(ITransformer method) =>
            Context.Scores.Evaluate(method.Transform(Test), new() { BurnIn = 30, Scores = [new CrossEntropy()] });
    }

    private static TrainingHistory History(SequentialAssimilation<VectorMemory> method) =>
        ((NetworkAnalyzer)method.Triple.Analyzer).History!;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_small_triple_soon_beats_what_each_observation_says_alone_and_comes_near_the_Kalman_filter(long seed)
    {
        var system = new System(seed);
        var dynamicsSystem = new AssimilationSystem(system.Dynamics, system.Observing);
        var learned =
            system.Score(
                system.Fit(Brief with
                    { Steps = 500, Truncation = 8, ValidationInterval = 100, ValidationCycles = 60, ValidationBurnIn = 30 }));
        var kalman = system.Score(system.Context.Analysis.KalmanFilter(dynamicsSystem with { Initial = system.Initial }));
        var alone = system.Score(system.Context.Analysis.OptimalInterpolation(dynamicsSystem).Fit(system.Training.Take(200)));
        double Nats(ScoreReport report) => report[new CrossEntropy()].Mean;
        Assert.True(learned.AnalysisRmse.Mean < 0.9 * alone.AnalysisRmse.Mean,
            $"{learned.AnalysisRmse.Mean} beside {alone.AnalysisRmse.Mean} of observations alone");
        Assert.InRange(learned.AnalysisRmse.Mean / kalman.AnalysisRmse.Mean, 0.99, 1.05);
        Assert.InRange((Nats(learned) - Nats(kalman)) / 2, -0.005, 0.05);   // theorem 4.1: none is better than the Kalman filter here
    }

    [Fact]
    public void The_gradient_of_a_truncated_step_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(5, "gradient", CPU);
        var procoder = new NetworkProcoder(6, DensityForm.Triangular, [0, 1], [2, 1], ScalarType.Float64, CPU);
        var analyzer = new NetworkAnalyzer(6, 3, MissingObservations.Refused, [0.2], [1.5], ScalarType.Float64, CPU);
        var propagater = new NetworkPropagater(6, 3, 1, ScalarType.Float64, CPU);
        var parts = new NetworkTriple(analyzer, propagater, procoder);
        ModuleState.DrawWeights(parts, random);
        using (no_grad()) foreach (var (name, parameter) in parts.named_parameters()) if (name.Contains("alphas", StringComparison.Ordinal))
            parameter.fill_(0.4);
        var truths = random.Normal([3, 4, 2], ScalarType.Float64);
        var observations = random.Normal([3, 4, 1], ScalarType.Float64);
        var cost = new CrossEntropy(0.7, 1.3);
        Tensor Loss()
        {
            var memory = new VectorMemory(0.3 * ones(4, 6, dtype: ScalarType.Float64));
            var total = zeros([], dtype: ScalarType.Float64);
            for (int t = 0; t < 3; t++)
            {
                var prior = propagater.Propagate(memory, new(t, t + 1), random);
                memory = analyzer.Analyze(prior, new(observations[t], null, t + 1), random);
                total = total + cost.Of(procoder.Decode(prior), procoder.Decode(memory), truths[t]).mean() / 3;
            }
            return total;
        }
        var parameters = parts.parameters().ToArray();
        var gradients = autograd.grad([Loss()], parameters);
        using var directions = new RandomStream(6, "directions", CPU);
        for (int trial = 0; trial < 4; trial++)
        {
            Tensor[] direction = [.. parameters.Select(parameter => directions.Normal(parameter.shape, ScalarType.Float64))];
            double along = gradients.Zip(direction, (g, d) => (g * d).sum().ToDouble()).Sum();
            double At(double step)
            {
                using var unrecorded = no_grad();
                for (int i = 0; i < parameters.Length; i++) parameters[i].add_(direction[i], step);
                double value = Loss().ToDouble();
                for (int i = 0; i < parameters.Length; i++) parameters[i].sub_(direction[i] * step);
                return value;
            }
            Assert.Equal((At(1e-6) - At(-1e-6)) / 2e-6, along, 1e-6 * Math.Max(1, Math.Abs(along)));
        }
    }

    [Fact]
    public void The_cost_of_training_is_the_cross_entropy_of_equation_4_3()
    {
        // With a learning rate of nothing, the loss of a step is the score of the untrained method on the same cycles.
        var system = new System();
        var data = system.View("training", 64, 6);
        var training = Brief with { Steps = 5, Truncation = 6, LearningRate = 1e-30, ValidationInterval = 5, ValidationCycles = 2 };
        var method = system.Context.Analysis.DataAssimilationNetwork(system.Observing, 1, Small, training).Fit(data, system.Validation);
        var direct = system.Context.Scores.Evaluate(method.Transform(data),
            new() { Scores = [new CrossEntropy()] })[new CrossEntropy()].Mean;
        // the last step unrolls all six cycles from the start: direct optimisation
        Assert.Equal(direct, History(method).Steps[^1].Loss, 1e-5);
    }

    [Fact]
    public void One_seed_gives_one_network_to_the_bit_and_it_survives_its_file()
    {
        var first = new System().Fit();
        var second = new System().Fit();
        Bits.Equal((NetworkAnalyzer)first.Triple.Analyzer, (NetworkAnalyzer)second.Triple.Analyzer);
        Bits.Equal((NetworkProcoder)first.Triple.Procoder, (NetworkProcoder)second.Triple.Procoder);
        Assert.False(Bits.Same((NetworkAnalyzer)first.Triple.Analyzer, (NetworkAnalyzer)new System(seed: 9).Fit().Triple.Analyzer));
        var system = new System();
        var read = Reloaded.Of(first, system.Context);
        Assert.Equal(History(first).Steps, History(read).Steps);
        Assert.Equal(system.Score(first).AnalysisRmse.Mean, system.Score(read).AnalysisRmse.Mean);
        // What is trained is used without gradients.
        Assert.All(((NetworkAnalyzer)first.Triple.Analyzer).parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void A_training_that_was_stopped_goes_on_to_the_same_losses()
    {
        var whole = History(new System().Fit()).Steps.Select(step => step.Loss).ToArray();
        var path = Path.Combine(folder, "training.checkpoint");
        using var cancel = new CancellationTokenSource();
        var stopped = new System(progress: new Watching(report => { if (report.Completed >= 13) cancel.Cancel(); }));
        stopped.Context.Analysis.DataAssimilationNetwork(stopped.Observing, 1, Small, Brief with { CheckpointPath = path })
            .Fit(stopped.Training, stopped.Validation, cancel.Token);
        var resumed = History(new System().Fit(Brief with { CheckpointPath = path })).Steps;
        Assert.Equal(whole, resumed.Select(step => step.Loss));
    }

    [Fact]
    public void Parts_that_do_not_learn_stay_and_a_warm_start_begins_where_another_ended()
    {
        var system = new System();
        var first = system.Fit();
        var second = system.Fit(network: Small with { WarmStart = first, Learns = TripleParts.Procoder });
        Bits.Equal((NetworkAnalyzer)first.Triple.Analyzer, (NetworkAnalyzer)second.Triple.Analyzer);
        Bits.Equal((NetworkPropagater)first.Triple.Propagater, (NetworkPropagater)second.Triple.Propagater);
        Assert.False(Bits.Same((NetworkProcoder)first.Triple.Procoder, (NetworkProcoder)second.Triple.Procoder));
        Assert.True(History(second).Steps[0].Loss < History(first).Steps[0].Loss - 0.1);
    }

    [Fact]
    public void Shipped_weights_make_the_network_again_to_the_bit()
    {
        var system = new System();
        var first = system.Fit();
        string path = Path.Combine(folder, "weights");
        WeightFiles.Write(path, NetworkTriple.Of(first), NetworkTriple.Of(first).History!);
        var other = new System(seed: 9);
        var read = other.Context.Analysis.DataAssimilationNetwork(other.Observing, 1, Small).Pretrained(path);
        Bits.Equal(NetworkTriple.Of(first), NetworkTriple.Of(read));
        Assert.Equal(system.Score(first).AnalysisRmse.Mean, system.Score(read).AnalysisRmse.Mean);   // units and all
        var settings = History(read).Settings!;
        Assert.Equal(Brief, settings.Options);
        Assert.Equal("Triangular", settings.Network["parts"]!["procoder"]!["settings"]!["form"]!["kind"]!.GetValue<string>());
        Assert.Equal(NetworkTriple.Of(first).Units.StateDeviation, settings.Units!.StateDeviation);
        Bits.Equal(NetworkTriple.Of(read), Reloaded.Of(NetworkTriple.Of(read), other.Context));

        var wide = ObservationNetwork.Full(other.Dynamics.Dimension);
        var wideSystem = new AssimilationSystem(other.Dynamics, wide);
        Assert.Contains("2 and 1 observations",
            Assert.Throws<ModelArchiveException>(() =>
                other.Context.Analysis.DataAssimilationNetwork(wide, 1, Small).Pretrained(path)).Message);
        Assert.Contains("[16, 17]",
            Assert.Throws<ModelArchiveException>(() =>
                other.Context.Analysis.DataAssimilationNetwork(other.Observing, 1, Small with { MemorySize = 20 })
                    .Pretrained(path)).Message);
        Assert.Contains("data assimilation network",
            Assert.Throws<ModelArchiveException>(() => other.Context.Analysis.ResidualConvolution(wideSystem).Pretrained(path)).Message);
    }

    // The layers that are closed at first and the drawn shares set to zero, what is left are averages of what was observed.
    [Fact]
    public void The_first_memory_is_running_averages_of_the_observations()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(1, "averages", CPU);
        const int m = 8, p = 3;
        var analyzer = new NetworkAnalyzer(m, 2, MissingObservations.Read, [0, 0, 0], [1, 1, 1], ScalarType.Float64, CPU);
        var propagater = new NetworkPropagater(m, 2, 1, ScalarType.Float64, CPU);
        var procoder = new NetworkProcoder(m, DensityForm.Diagonal, [5, 6], [2, 3], ScalarType.Float64, CPU);
        using (no_grad()) foreach (var part in new nn.Module[] { analyzer, propagater, procoder })
            foreach (var parameter in part.parameters()) parameter.zero_();
        FirstWeightsOfNetworks.SetRunningAverages(analyzer.Network.Last, propagater.Network.Last, procoder.Layer, p);
        double[] gain = [1, 1, 1, Math.Sqrt(0.05), Math.Sqrt(0.05), Math.Sqrt(0.05), 0.05, 0.05];
        double[] expected = new double[m];
        var memory = new VectorMemory(zeros(1, m, dtype: ScalarType.Float64));
        for (int cycle = 0; cycle < 4; cycle++)
        {
            var observed = random.Normal([1, p], ScalarType.Float64);
            memory = analyzer.Analyze(propagater.Propagate(memory, new(cycle, cycle + 1), random), new(observed, null, cycle + 1), random);
            for (int i = 0; i < m; i++) expected[i] = (1 - gain[i]) * expected[i] + gain[i] * observed[0, i % p].ToDouble();
        }
        Assert.All(expected.Zip(memory.Vector[0].data<double>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
        var density = procoder.Decode(memory);
        Assert.Equal([5.0, 6], density.Mean[0].data<double>().ToArray());
        Assert.Equal([2.0, 3], density.StandardDeviation[0].data<double>().ToArray());
    }

    [Fact]
    public void Missing_observations_can_be_learned()
    {
        var system = new System();
        var observing = new ObservationNetwork(system.Observing.Operator, system.Observing.Error, new MissingAtRandomPattern(0.5));
        var observedSystem = new AssimilationSystem(system.Dynamics, observing) { Initial = system.Initial };
        ITrajectoryView View(string stream) => system.Context.Data.Twin(observedSystem, new() { Stream = stream, Batch = 64 });
        var method = system.Context.Analysis.DataAssimilationNetwork(observing, 1,
            Small with { MissingObservations = MissingObservations.Read }, Brief with { Steps = 300, Truncation = 8 })
            .Fit(View("training"), View("validation"));
        var report = system.Context.Scores.Evaluate(method.Transform(View("test").Take(120)), new() { BurnIn = 30 });
        Assert.True(report.AnalysisRmse.Mean < 0.85, $"{report.AnalysisRmse.Mean}");
    }

    [Fact]
    public void Wrong_options_are_refused()
    {
        var system = new System();
        DataAssimilationNetworkEstimator With(DataAssimilationNetworkOptions options) =>
            system.Context.Analysis.DataAssimilationNetwork(system.Observing, 1, options);
        Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { MemorySize = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { Layers = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { PriorWeight = -1 }));
        Assert.Throws<ArgumentException>(() => With(new() { PriorWeight = 0, PosteriorWeight = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { Learns = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { FirstWeights = (FirstWeights)9 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => system.Context.Analysis.DataAssimilationNetwork(system.Observing, timeStep: 0));
        var other = ObservationNetwork.Full(3);
        var start = system.Fit(Brief with { Steps = 1 });
        Assert.Contains("starts from",
            Assert.Throws<ArgumentException>(() => system.Context.Analysis.DataAssimilationNetwork(other, 0.01, new() { WarmStart = start })
            .Fit(system.Context.Data.Twin(new AssimilationSystem(new Lorenz63(), other)),
                system.Context.Data.Twin(new AssimilationSystem(new Lorenz63(), other)))).Message);
    }

    private sealed class Watching(Action<ProgressReport> seen) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => seen(value);
    }
}

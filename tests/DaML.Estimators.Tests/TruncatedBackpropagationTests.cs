using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class TruncatedBackpropagationTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-training-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // The loop of the estimator, opened up: the network and the optimiser's steps on it.
    private sealed class Bench : IDisposable
    {
        private readonly RandomStream random;

        public Bench(SmallTwin twin, long truncation, double clip = 1e9, ITrajectoryView? view = null,
            nn.Module<Tensor, Tensor, Tensor>? network = null, long? batch = null,
            long burnIn = 0, double divergedCost = 24)
        {
            random = twin.Context.Random("bench");
            using var weights = twin.Context.Random("weights");
            var statistics = AnalysisStatistics.Measure(twin.Training, twin.Observing, 20);
            Network = network
                ?? new ResidualConvolutionNetwork(SmallTwin.Network, statistics, twin.Context.Options.NetworkPrecision, weights);
            Network.train();
            using var mean = full([twin.Dynamics.Dimension], statistics.StateMean, dtype: ScalarType.Float64);
            var triple = new AssimilationTriple<StateMemory>(LearnedAnalyzer<StateMemory>.InTraining("bench", Network, twin.Observing),
                new StatePropagater(twin.Dynamics), new StateProcoder(),
                new StateSource(new GaussianInitialCondition(mean, ErrorCovariance.Scalar(twin.Dynamics.Dimension, 12)),
                    twin.Context.Options.NetworkPrecision));
            Backpropagation = new TruncatedBackpropagation<StateMemory>("bench", triple, Network, view ?? twin.Training,
                (_, analysis, cycle) => (analysis.State - cycle[Columns.Truth].to(analysis.State.dtype)).square().mean([-1]), divergedCost,
                new TrainingOptions { Truncation = truncation, GradientClip = clip, BatchSize = batch, BurnIn = burnIn }, random);
        }

        public nn.Module<Tensor, Tensor, Tensor> Network { get; }
        public TruncatedBackpropagation<StateMemory> Backpropagation { get; }

        public void Dispose()
        {
            Backpropagation.Dispose();
            random.Dispose();
            Network.Dispose();
        }
    }

    // Without learning rate nothing moves, so a step gives loss and gradient at the weights there are. The third step
    // unrolls four cycles; the memory that enters it is held where it is, as truncation does.
    [Fact]
    public void The_gradient_of_a_truncated_step_is_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        string file = Path.Combine(folder, "start");
        using var bench = new Bench(twin, truncation: 4);
        bench.Backpropagation.Step(0);
        bench.Backpropagation.Step(0);
        TrainingCheckpoint.Write(file, "", bench.Backpropagation.Save);
        var step = bench.Backpropagation.Step(0);
        Assert.True(step.GradientNorm > 0.1);

        double LossAt(string name, long index, double shift)
        {
            using var other = new Bench(twin, truncation: 4);
            TrainingCheckpoint.Read(file, "", twin.Context, other.Backpropagation.Load);
            using (no_grad()) other.Network.state_dict()[name].view(-1)[index].add_(shift);
            return other.Backpropagation.Step(0).Loss;
        }

        Assert.Equal(step.Loss, LossAt("trunk.encoder.weight", 0, 0), 1e-14);
        foreach (var (name, parameter) in bench.Network.named_parameters())
            foreach (long index in (long[])[0, parameter.numel() / 2, parameter.numel() - 1])
            {
                const double h = 1e-5;
                double finiteDifference = (LossAt(name, index, h) - LossAt(name, index, -h)) / (2 * h);
                double gradient = parameter.grad!.view(-1)[index].ToDouble();
                Assert.True(Math.Abs(finiteDifference - gradient) < 1e-7 + 1e-6 * Math.Abs(gradient),
                    $"{name}[{index}]: {gradient} by back-propagation, {finiteDifference} by differences");
            }
    }

    [Fact]
    public void Gradients_are_clipped_to_their_norm()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(new SmallTwin(batch: 4), truncation: 2, clip: 0.01);
        var step = bench.Backpropagation.Step(0);
        Assert.True(step.GradientNorm > 0.1);
        double clipped = Math.Sqrt(bench.Network.parameters().Sum(parameter => parameter.grad!.square().sum().ToDouble()));
        Assert.Equal(0.01, clipped, 1e-6);
    }

    [Fact]
    public void Batch_norm_sees_every_cycle_and_its_statistics_are_sane()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(new SmallTwin(), truncation: 4);
        for (int i = 0; i < 30; i++) bench.Backpropagation.Step(1e-3);
        var state = bench.Network.state_dict();
        for (int layer = 0; layer < 2; layer++)
        {
            Assert.Equal(1 + 2 + 28 * 4, state[$"trunk.normalizations.{layer}.num_batches_tracked"].ToInt64());
            Assert.True(state[$"trunk.normalizations.{layer}.running_mean"].abs().max().ToDouble() is > 0 and < 10);
            Assert.True(state[$"trunk.normalizations.{layer}.running_var"].min().ToDouble() > 0);
            Assert.True(state[$"trunk.normalizations.{layer}.running_var"].max().ToDouble() < 100);
        }
    }

    [Fact]
    public void It_holds_its_memory_over_many_steps()
    {
        using var bench = new Bench(new SmallTwin(batch: 4), truncation: 4);
        long Live()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        for (int i = 0; i < 5; i++) bench.Backpropagation.Step(1e-3);
        long before = Live();
        for (int i = 0; i < 60; i++) bench.Backpropagation.Step(1e-3);
        Assert.Equal(before, Live());
    }

    [Fact]
    public void A_view_that_ends_is_begun_again_and_its_last_cycles_are_learned_too()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4);
        var cycles = new List<long>();
        using var bench = new Bench(twin, truncation: 4, view: new WatchedView(twin.View("training", 4, 6), cycles.Add));
        for (int i = 0; i < 5; i++) bench.Backpropagation.Step(1e-3);
        // Steps of 1, 2 and the 3 that are left of an epoch, then 4 and 2.
        Assert.Equal([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5], cycles);
        Assert.Equal(1, bench.Backpropagation.Epoch);
    }

    // At weights that stay, the loss after a burn-in is that of the same cycles without one.
    [Fact]
    public void A_burn_in_is_run_through_but_not_learned_from()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        var view = twin.View("training", 4, 5);
        using var whole = new Bench(twin, truncation: 1, view: view, network: new HalfWay());
        double[] losses = [.. Enumerable.Range(0, 5).Select(_ => whole.Backpropagation.Step(0).Loss)];
        var cycles = new List<long>();
        using var late = new Bench(twin, truncation: 1, view: new WatchedView(view, cycles.Add), network: new HalfWay(), burnIn: 3);
        Assert.Equal(losses[3], late.Backpropagation.Step(0).Loss, 1e-13);
        Assert.Equal(losses[4], late.Backpropagation.Step(0).Loss, 1e-13);
        late.Backpropagation.Step(0);
        Assert.Equal([0, 1, 2, 3, 4, 0, 1, 2, 3], cycles);    // and again in the next epoch
        using var none = new Bench(twin, truncation: 1, view: view, network: new HalfWay(), burnIn: 5);
        Assert.Contains("burn-in of 5", Assert.Throws<ArgumentException>(() => none.Backpropagation.Step(0)).Message);
    }

    [Fact]
    public void What_is_started_afresh_has_its_burn_in_too_and_keeps_it_over_a_checkpoint()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        string file = Path.Combine(folder, "waiting");
        // With a bound of nothing, every trajectory is started afresh whenever it is charged.
        using var bench = new Bench(twin, truncation: 1, network: new HalfWay(), burnIn: 3, divergedCost: 0);
        var charged = new List<(double, long)>();
        for (int i = 0; i < 6; i++)
        {
            var step = bench.Backpropagation.Step(0);
            charged.Add((step.Loss, step.Restarts));
            if (i == 1) TrainingCheckpoint.Write(file, "", bench.Backpropagation.Save);
        }
        Assert.Equal([true, false, false, false, true, false], charged.Select(step => double.IsFinite(step.Item1)));
        Assert.Equal([4L, 0, 0, 0, 4, 0], charged.Select(step => step.Item2));
        using var resumed = new Bench(twin, truncation: 1, network: new HalfWay(), burnIn: 3, divergedCost: 0);
        TrainingCheckpoint.Read(file, "", twin.Context, resumed.Backpropagation.Load);
        foreach (var (loss, restarts) in charged.Skip(2))
        {
            var step = resumed.Backpropagation.Step(0);
            Assert.Equal((loss, restarts), (step.Loss, step.Restarts));
        }
        // Some of them only: the others are learned from meanwhile.
        using var mixed = new Bench(twin, truncation: 1, network: new HalfWay(), burnIn: 3, divergedCost: 0.4);
        var steps = Enumerable.Range(0, 40).Select(_ => mixed.Backpropagation.Step(0)).ToList();
        Assert.Contains(steps, step => step.Restarts is > 0 and < 4);
        Assert.Contains(steps.Zip(steps.Skip(1)), pair => pair.First.Restarts is > 0 and < 4 && double.IsFinite(pair.Second.Loss));
    }

    // A network in which trajectories do not see each other, at weights that stay: whatever the batches, the losses of a
    // pass are those of all trajectories at once, if each is taken once and goes on from where it was.
    [Fact]
    public void Mini_batches_take_every_trajectory_through_the_same_cycles_once()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 10, networkPrecision: ScalarType.Float64);
        using var whole = new Bench(twin, truncation: 1, network: new HalfWay());
        using var parts = new Bench(twin, truncation: 1, network: new HalfWay(), batch: 4);
        for (int pass = 0; pass < 12; pass++)
        {
            double expected = whole.Backpropagation.Step(0).Loss;
            double[] losses = [.. Enumerable.Range(0, 3).Select(_ => parts.Backpropagation.Step(0).Loss)];
            Assert.Equal(expected, (4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10, 1e-12);
        }
    }

    [Fact]
    public void Mini_batches_are_drawn_anew_for_each_pass()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 9, networkPrecision: ScalarType.Float64);
        // The first trajectory gives itself away.
        using var offset = cat([full([1, 1], 1e3, dtype: ScalarType.Float64), zeros([8, 1], dtype: ScalarType.Float64)]);
        var marked = new WatchedView(twin.Training, _ => { }, (_, column, value) => column == Columns.Truth ? value + offset
            : value.alias());
        using var bench = new Bench(twin, truncation: 1, view: marked, network: new HalfWay(), batch: 3);
        var places = Enumerable.Range(0, 12).Select(_ =>
        {
            var losses = Enumerable.Range(0, 3).Select(_ => bench.Backpropagation.Step(0).Loss).ToList();
            Assert.Single(losses, loss => loss > 1e4);
            return losses.FindIndex(loss => loss > 1e4);
        });
        Assert.Equal(3, places.Distinct().Count());
    }

    [Fact]
    public void Mini_batches_learn_and_hold_their_memory()
    {
        var twin = new SmallTwin();
        using var bench = new Bench(twin, truncation: 4, clip: 1, batch: 5);
        for (int i = 0; i < 8; i++) bench.Backpropagation.Step(1e-2);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        double last = 0;
        for (int i = 0; i < 160; i++) last = bench.Backpropagation.Step(1e-2).Loss;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.True(last < 1, $"{last}");
    }

    /// <summary>Half of the innovation, in double precision.</summary>
    private sealed class HalfWay : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Parameter gain = new(full([1], 0.5, dtype: ScalarType.Float64));

        public HalfWay() : base(nameof(HalfWay)) => RegisterComponents();

        public override Tensor forward(Tensor forecast, Tensor scaledInnovation) => gain * scaledInnovation;
    }

    [Fact]
    public void A_step_that_is_not_finite_touches_neither_weights_nor_statistics_and_the_trajectories_start_afresh()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4);
        using var bench = new Bench(twin, truncation: 8);
        for (int i = 0; i < 5; i++) bench.Backpropagation.Step(1e-3);
        using (no_grad()) bench.Network.get_parameter("trunk.decoder.bias")!.fill_(1e4);   // every forecast now leaves the finite numbers
        var before = ModuleState.Copy(bench.Network);
        var step = bench.Backpropagation.Step(1e-3);
        Assert.True(double.IsNaN(step.Loss));
        Assert.Equal(4, step.Restarts);
        foreach (var (name, tensor) in bench.Network.state_dict()) Bits.Equal(before[name], tensor);
        ModuleState.Release(before);

        using (no_grad()) bench.Network.get_parameter("trunk.decoder.bias")!.fill_(0);
        Assert.True(double.IsFinite(bench.Backpropagation.Step(1e-3).Loss));
    }

    [Fact]
    public void A_network_that_diverges_at_first_still_learns()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        using var bench = new Bench(twin, truncation: 8, clip: 1);
        using (no_grad()) bench.Network.get_parameter("trunk.decoder.weight")!.mul_(40);
        var steps = Enumerable.Range(0, 150).Select(i => bench.Backpropagation.Step(0.02)).ToList();
        Assert.Contains(steps, step => double.IsNaN(step.Loss));
        Assert.All(bench.Network.state_dict().Values, tensor => Assert.True(tensor.isfinite().all().ToBoolean()));
        Assert.True(steps[^1].Loss < 6, $"{steps[^1].Loss}");   // half the model's variance
    }

    [Fact]
    public void What_never_becomes_finite_is_reported_as_divergence()
    {
        using var scope = NewDisposeScope();
        using var bench = new Bench(new SmallTwin(batch: 2), truncation: 1);
        using (no_grad()) bench.Network.get_parameter("trunk.decoder.bias")!.fill_(double.PositiveInfinity);
        var thrown = Assert.Throws<DivergenceException>(() => { for (int i = 0; i < 100; i++) bench.Backpropagation.Step(1e-3); });
        Assert.Contains("bench", thrown.Message);
        Assert.Equal(99, thrown.Cycle);
    }

    [Theory]
    [InlineData("truth", "truth")]
    [InlineData("observation", "observation")]
    public void Data_that_are_not_finite_are_refused_with_their_cycle(string column, string named)
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4);
        var broken = new WatchedView(twin.Training, _ => { }, (cycle, key, value) => cycle == 2 && key.Name == column
            ? full_like(value, double.NaN) : value);
        using var bench = new Bench(twin, truncation: 2, view: broken);
        bench.Backpropagation.Step(1e-3);
        var thrown = Assert.Throws<ArgumentException>(() => bench.Backpropagation.Step(1e-3));
        Assert.Contains(named, thrown.Message);
        Assert.Contains("cycle 2", thrown.Message);
    }
}

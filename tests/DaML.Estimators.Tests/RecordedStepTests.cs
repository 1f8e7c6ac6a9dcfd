using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Optimiser steps that are recorded and done again. The recorder of these tests keeps the work and does it when it is played,
/// so everything but the device's own recording runs here; the last test has that.
/// </summary>
public sealed class RecordedStepTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private sealed class KeptWork(Exception? failure = null) : IWorkRecorder
    {
        private Action? kept;

        public List<string> Calls { get; } = [];

        public void Rehearse(Action work)
        {
            Calls.Add("rehearse");
            work();
        }

        public void Record(Action work)
        {
            Calls.Add("record");
            if (failure is not null) throw failure;
            kept = work;
        }

        public void Replay()
        {
            Calls.Add("replay");
            kept!();
        }

        public void Dispose() => Calls.Add("dispose");
    }

    private sealed class Training : IDisposable
    {
        private readonly RandomStream random;

        public Training(SmallTwin twin, IWorkRecorder? recorder, ITrajectoryView? view = null, IAnalyzer<StateMemory>? analyzer = null,
            AnalysisCost<StateMemory>? cost = null, IDynamics? model = null, IObservationNetwork? observing = null, double clip = 1, StepExecution execution = StepExecution.Automatic)
        {
            random = twin.Context.Random("recorded");
            using var weights = twin.Context.Random("weights");
            observing ??= twin.Observing;
            Network = new ResidualConvolutionNetwork(SmallTwin.Network with { Computation = NetworkComputation.Plain },
                AnalysisStatistics.Measure(twin.Training, twin.Observing, 20), twin.Context.Options.NetworkPrecision, weights);
            Network.train();
            var triple = new AssimilationTriple<StateMemory>(analyzer ?? LearnedAnalyzer.InTraining("recorded", Network, observing),
                new StatePropagater(model ?? twin.Dynamics), new StateProcoder(), new StateSource(new AttractorInitialCondition(twin.Dynamics, 5), twin.Context.Options.NetworkPrecision));
            Steps = new TruncatedBackpropagation<StateMemory>("recorded", triple, Network, view ?? twin.Training, cost ?? AnalysisCosts.SquaredError(triple.Procoder), 24,
                new TrainingOptions { Truncation = 4, GradientClip = clip, Execution = execution }, random, recorder);
        }

        public ResidualConvolutionNetwork Network { get; }
        public TruncatedBackpropagation<StateMemory> Steps { get; }

        public void Dispose()
        {
            Steps.Dispose();
            Network.Dispose();
            random.Dispose();
        }
    }

    private static void Equal(OptimiserStep expected, OptimiserStep actual, double tolerance)
    {
        Assert.Equal(expected.Restarts, actual.Restarts);
        Assert.Equal(double.IsFinite(expected.Loss), double.IsFinite(actual.Loss));
        if (!double.IsFinite(expected.Loss)) return;
        Assert.Equal(expected.Loss, actual.Loss, tolerance * Math.Abs(expected.Loss));
        Assert.Equal(expected.GradientNorm, actual.GradientNorm, tolerance * expected.GradientNorm);
    }

    private static void Equal(nn.Module expected, nn.Module actual, double tolerance)
    {
        var values = actual.state_dict();
        foreach (var (name, tensor) in expected.state_dict())
            Assert.True((tensor.to(ScalarType.Float64) - values[name].cpu().to(ScalarType.Float64)).abs().max().ToDouble() <= tolerance * Math.Max(1, tensor.to(ScalarType.Float64).abs().max().ToDouble()), name);
    }

    [Fact]
    public void Steps_that_are_done_again_give_the_losses_weights_and_statistics_of_steps_operator_by_operator()
    {
        var twin = new SmallTwin(batch: 8, networkPrecision: ScalarType.Float64);
        var recorder = new KeptWork();
        using Training eager = new(twin, null), recorded = new(twin, recorder);
        for (int i = 0; i < 30; i++) Equal(eager.Steps.Step(5e-3), recorded.Steps.Step(5e-3), 1e-9);
        Equal(eager.Network, recorded.Network, 1e-8);
        // Steps of 1, 2 and 4 cycles come first; the third is the rehearsal.
        Assert.Equal(["rehearse", "record", .. Enumerable.Repeat("replay", 27)], recorder.Calls);
        Assert.Equal("recorded, and done again as one", recorded.Steps.Execution);
        Assert.Equal("operator by operator: they are recorded on CUDA devices", eager.Steps.Execution);
    }

    [Fact]
    public void Gradients_are_clipped_to_their_norm_on_the_device()
    {
        using var recorded = new Training(new SmallTwin(batch: 4), new KeptWork(), clip: 0.01);
        for (int i = 0; i < 5; i++) Assert.True(recorded.Steps.Step(0).GradientNorm > 0.1);
        double clipped = Math.Sqrt(recorded.Network.parameters().Sum(parameter => parameter.grad!.square().sum().ToDouble()));
        Assert.Equal(0.01, clipped, 1e-6);
    }

    [Fact]
    public void Missing_observations_and_a_view_that_ends_within_a_step_are_as_they_are_operator_by_operator()
    {
        var twin = new SmallTwin(batch: 8, networkPrecision: ScalarType.Float64);
        var observing = twin.Context.Observations.Random(twin.Dynamics, 0.6);
        var view = twin.Context.Data.Twin(twin.Dynamics, observing, new TwinExperimentOptions { Batch = 8, Cycles = 13, Initial = new AttractorInitialCondition(twin.Dynamics, 5) });
        var recorder = new KeptWork();
        using Training eager = new(twin, null, view, observing: observing), recorded = new(twin, recorder, view, observing: observing);
        for (int i = 0; i < 24; i++) Equal(eager.Steps.Step(5e-3), recorded.Steps.Step(5e-3), 1e-9);
        Equal(eager.Network, recorded.Network, 1e-8);
        Assert.Equal(eager.Steps.Epoch, recorded.Steps.Epoch);
        Assert.True(recorded.Steps.Epoch > 3);
        Assert.Contains("replay", recorder.Calls);
    }

    [Fact]
    public void A_step_that_is_not_finite_is_left_out_and_its_trajectories_start_afresh()
    {
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        using Training eager = new(twin, null), recorded = new(twin, new KeptWork());
        foreach (int round in (int[])[1, 2])
        {
            for (int i = 0; i < 8; i++) Equal(eager.Steps.Step(5e-3), recorded.Steps.Step(5e-3), 1e-8);
            foreach (var training in (Training[])[eager, recorded])
                using (no_grad()) training.Network.get_parameter("trunk.decoder.bias")!.fill_(1e8);
            var before = ModuleState.Copy(recorded.Network);
            var step = recorded.Steps.Step(5e-3);
            Equal(eager.Steps.Step(5e-3), step, 1e-8);
            Assert.True(double.IsNaN(step.Loss));
            Assert.Equal(4, step.Restarts);
            foreach (var (name, tensor) in recorded.Network.state_dict()) Bits.Equal(before[name], tensor);
            ModuleState.Release(before);
            foreach (var training in (Training[])[eager, recorded])
                using (no_grad()) training.Network.get_parameter("trunk.decoder.bias")!.fill_(0);
        }
        Assert.StartsWith("recorded", recorded.Steps.Execution);
    }

    [Fact]
    public void What_cannot_be_recorded_goes_on_operator_by_operator_to_the_bit_and_says_why()
    {
        var twin = new SmallTwin(batch: 4);
        var recorder = new KeptWork(new InvalidOperationException("a value was asked for"));
        using Training eager = new(twin, null), recorded = new(twin, recorder);
        for (int i = 0; i < 8; i++) Equal(eager.Steps.Step(5e-3), recorded.Steps.Step(5e-3), 1e-4);
        Assert.Equal(["rehearse", "record", "dispose"], recorder.Calls);
        Assert.Equal("operator by operator: a value was asked for", recorded.Steps.Execution);
    }

    private sealed class Noisy(IAnalyzer<StateMemory> inner) : IAnalyzer<StateMemory>
    {
        public string Name => "noisy";
        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
            inner.Analyze(new(forecast.State + 0.1 * random.Normal(forecast.State.shape, forecast.State.dtype)), observation, random);
    }

    [Fact]
    public void A_step_that_draws_random_numbers_is_not_recorded_and_draws_none_twice()
    {
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        OptimiserStep[] Steps(IWorkRecorder? recorder, out string execution)
        {
            using var weights = twin.Context.Random("noisy weights");
            using var network = new ResidualConvolutionNetwork(SmallTwin.Network, AnalysisStatistics.Measure(twin.Training, twin.Observing, 20), ScalarType.Float64, weights);
            using var training = new Training(twin, recorder, analyzer: new Noisy(LearnedAnalyzer.InTraining("noisy", network, twin.Observing)));
            OptimiserStep[] steps = [.. Enumerable.Range(0, 7).Select(_ => training.Steps.Step(0))];
            execution = training.Steps.Execution;
            return steps;
        }
        var expected = Steps(null, out _);
        var actual = Steps(new KeptWork(), out string said);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i].Loss, actual[i].Loss, 1e-9);
        Assert.Equal("operator by operator: random numbers are drawn in a step", said);
    }

    private sealed class Seasonal(IDynamics model) : IDynamics
    {
        public string Name => "a seasonal model";
        public long Dimension => model.Dimension;
        public double TimeStep => model.TimeStep;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => model.Advance(state, interval) * (1 + 1e-3 * Math.Sin(interval.From));
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) => model.TangentLinear(state, perturbation, interval);
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => model.Adjoint(state, sensitivity, interval);
    }

    [Fact]
    public void A_model_that_may_depend_on_time_and_a_cost_that_does_are_not_recorded()
    {
        var twin = new SmallTwin(batch: 4);
        var recorder = new KeptWork();
        using (var seasonal = new Training(twin, recorder, model: new Seasonal(twin.Dynamics)))
        {
            for (int i = 0; i < 5; i++) seasonal.Steps.Step(1e-3);
            Assert.Equal("operator by operator: a seasonal model may depend on time", seasonal.Steps.Execution);
            Assert.Equal(["dispose"], recorder.Calls);
        }
        AnalysisCost<StateMemory> later = (_, analysis, cycle) => (analysis.State - cycle[Columns.Truth].to(analysis.State.dtype)).square().mean([-1]) * Math.Min(1, cycle.Time);
        using Training eager = new(twin, null, cost: later), recorded = new(twin, new KeptWork(), cost: later);
        for (int i = 0; i < 6; i++) Equal(eager.Steps.Step(1e-3), recorded.Steps.Step(1e-3), 1e-4);
        Assert.Equal("operator by operator: without the cycles' times the loss is not finite", recorded.Steps.Execution);
        Bits.Equal(eager.Network, recorded.Network);
    }

    [Fact]
    public void It_is_switched_off_by_an_option()
    {
        using var eager = new Training(new SmallTwin(batch: 2), null, execution: StepExecution.Eager);
        Assert.Equal("operator by operator, as asked", eager.Steps.Execution);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TrainingOptions { Execution = (StepExecution)5 }.Checked());
    }

    [Theory]
    [InlineData("truth", "truth")]
    [InlineData("observation", "observation of cycle 8")]
    public void Data_that_are_not_finite_are_refused_there_too(string column, string named)
    {
        var twin = new SmallTwin(batch: 4);
        var broken = new WatchedView(twin.Training, _ => { }, (cycle, key, value) => cycle == 8 && key.Name == column ? full_like(value, double.NaN) : value);
        using var recorded = new Training(twin, new KeptWork(), broken);
        for (int i = 0; i < 3; i++) recorded.Steps.Step(1e-3);   // 1 + 2 + 4 cycles
        var thrown = Assert.Throws<ArgumentException>(() => recorded.Steps.Step(1e-3));
        Assert.Contains(named, thrown.Message);
    }

#if DAML_LIBTORCH
    private sealed class CountedReads : IWorkRecorder
    {
        public long? Reads { get; private set; }

        public void Rehearse(Action work)
        {
            long before = LibTorch.HostReads.OfThisThread;
            work();
            Reads = LibTorch.HostReads.OfThisThread - before;
        }

        public void Record(Action work) => throw new NotSupportedException();
        public void Replay() { }
        public void Dispose() { }
    }

    [Fact]
    public void Nothing_that_is_recorded_asks_for_a_value()
    {
        var twin = new SmallTwin(batch: 4);
        var observing = twin.Context.Observations.Random(twin.Dynamics, 0.6);
        var view = twin.Context.Data.Twin(twin.Dynamics, observing, new TwinExperimentOptions { Batch = 4 });
        var recorder = new CountedReads();
        using var training = new Training(twin, recorder, view, observing: observing);
        for (int i = 0; i < 3; i++) training.Steps.Step(1e-3);
        Assert.Equal(0, recorder.Reads);
        long before = LibTorch.HostReads.OfThisThread;
        training.Steps.Step(1e-3);   // operator by operator: the loss, the norm, the number of restarts
        Assert.True(LibTorch.HostReads.OfThisThread - before >= 3);
    }
#endif

    private static (List<OptimiserStep> Steps, Dictionary<string, Tensor> Weights, string Execution) OnDevice(StepExecution execution, IWorkRecorder? recorder = null)
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 4, Device = "cuda" });
        var model = context.Dynamics.Lorenz96(12);
        var observing = context.Observations.Random(model, 0.8);
        var view = context.Data.Twin(model, observing, new TwinExperimentOptions { Batch = 16, Initial = new AttractorInitialCondition(model, 5) });
        using var random = context.Random("training");
        using var weights = context.Random("weights");
        using var network = new ResidualConvolutionNetwork(SmallTwin.Network, AnalysisStatistics.Measure(view, observing, 20), ScalarType.Float32, weights);
        network.train();
        var triple = new AssimilationTriple<StateMemory>(LearnedAnalyzer.InTraining("cuda", network, observing), new StatePropagater(model), new StateProcoder(),
            new StateSource(new AttractorInitialCondition(model, 5), ScalarType.Float32));
        using var training = new TruncatedBackpropagation<StateMemory>("cuda", triple, network, view, AnalysisCosts.SquaredError(triple.Procoder), 24,
            new TrainingOptions { Truncation = 8, Execution = execution }, random, recorder);
        var steps = Enumerable.Range(0, 20).Select(_ => training.Step(1e-3)).ToList();
        return (steps, network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().cpu().clone()), training.Execution);
    }

    private static void EqualOnDevice((List<OptimiserStep> Steps, Dictionary<string, Tensor> Weights, string Execution) expected, (List<OptimiserStep> Steps, Dictionary<string, Tensor> Weights, string Execution) actual)
    {
        for (int i = 0; i < expected.Steps.Count; i++) Equal(expected.Steps[i], actual.Steps[i], 1e-3);
        foreach (var (name, weight) in expected.Weights)
            Assert.True((weight.to(ScalarType.Float64) - actual.Weights[name].to(ScalarType.Float64)).abs().max().ToDouble() < 5e-3 * Math.Max(1, weight.to(ScalarType.Float64).abs().max().ToDouble()), name);
    }

    [CudaFact]
    public void What_is_recorded_is_right_on_the_device_before_it_is_recorded()
    {
        var eager = OnDevice(StepExecution.Eager);
        Assert.Equal("operator by operator, as asked", eager.Execution);
        EqualOnDevice(eager, OnDevice(StepExecution.Automatic, new KeptWork()));
    }

    [CudaFact]
    public void A_recording_of_the_device_gives_the_losses_and_weights_of_steps_operator_by_operator()
    {
        var recorded = OnDevice(StepExecution.Automatic);
        Assert.Equal("recorded, and done again as one", recorded.Execution);
        EqualOnDevice(OnDevice(StepExecution.Eager), recorded);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class LearnedAnalysisTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-learned-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Observations alone have an error of 1; 3D-Var on this model has about 0.4.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_tiny_network_soon_does_much_better_than_the_observations(long seed)
    {
        var twin = new SmallTwin(seed);
        var method =
            twin.Estimator(SmallTwin.Brief with
                { Steps = 150, Truncation = 8, ValidationInterval = 50, ValidationBurnIn = 40, ValidationCycles = 100 })
                    .Fit(twin.Training, twin.Validation);
        var history = SmallTwin.History(method);
        Assert.Equal(TrainingEnd.Completed, history.End);
        Assert.True(history.Best!.ValidationError < 0.5, $"validation {history.Best.ValidationError}");
        double rmse = twin.Rmse(method);
        Assert.True(rmse < 0.5, $"test {rmse}");
        Assert.Equal(history.Best.ValidationError!.Value, rmse, 0.1);
    }

    [Fact]
    public void The_weights_of_the_smallest_validation_error_are_kept()
    {
        var twin = new SmallTwin();
        // From cycle 120 on the training data lie about the truth, so what was learned is unlearned.
        var turning = new WatchedView(twin.Training, _ => { }, (cycle, column, value) => cycle >= 120 && column == Columns.Truth ? value + 3
            : value.alias());
        var options = SmallTwin.Brief with { Steps = 56 };
        var method = twin.Estimator(options).Fit(turning, twin.Validation);
        var history = SmallTwin.History(method);
        Assert.InRange(history.Best!.Step, 16, 40);
        Assert.True(history.Steps[^1].ValidationError > 1.5 * history.Best.ValidationError);
        double again = Validation(twin, method, options);
        Assert.Equal(history.Best.ValidationError!.Value, again, 1e-12);
    }

    [Fact]
    public void Training_stops_when_patience_is_at_its_end()
    {
        var twin = new SmallTwin();
        var options = SmallTwin.Brief with
            { Steps = 4000, LearningRate = 1e-12, WarmUpSteps = 0, ValidationInterval = 1, Patience = 3, PatientAboveRate = 1,
                ValidationCycles = 2, ValidationBurnIn = 1 };
        var method = twin.Estimator(options).Fit(twin.Training, twin.Validation);
        var history = SmallTwin.History(method);
        Assert.Equal(TrainingEnd.NoImprovement, history.End);
        int best = history.Steps.ToList().IndexOf(history.Best!);
        Assert.Equal(best + 1 + 3, history.Steps.Count);
    }

    [Fact]
    public void A_schedule_says_which_share_of_the_learning_rate_is_left()
    {
        var options = new TrainingOptions { LearningRate = 0.4, WarmUpSteps = 0, Steps = 100 };
        double[] Rates(LearningRateSchedule schedule) =>
            [.. ((long[])[0, 50, 100]).Select(step => (options with { Schedule = schedule }).LearningRateAt(step, step / 100.0))];
        void Are(double[] expected, LearningRateSchedule schedule) =>
            Assert.All(expected.Zip(Rates(schedule)), pair => Assert.Equal(pair.First, pair.Second, 1e-15));
        Are([0.4, 0.2, 0], LearningRateSchedule.HalfCosine);
        Are([0.4, 0.4, 0.4], LearningRateSchedule.Constant);
        Are([0.4, 0.04, 0.004], LearningRateSchedule.Exponential(0.01));
        Are([0.4, 0.1, 0.025], LearningRateSchedule.Steps(0.5, 5));
        Assert.Equal(0.2, LearningRateSchedule.Steps(0.5, 5).Share(0.39) * 0.4, 1e-15);
        // Where the rate never becomes low, patience is tried at once.
        Assert.True((options with { Schedule = LearningRateSchedule.Constant }).TriesPatience(new TrainingStep(1, 1, 0.4, 1, 0, 1, 0)));
        Assert.False(options.TriesPatience(new TrainingStep(1, 1, 0.4, 1, 0, 1, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Exponential(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Steps(1.5, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.Steps(0.5, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => (options with { Schedule = new() { Decay = (LearningRateDecay)9 } }).Checked());
    }

    [Fact]
    public void Patience_is_not_tried_while_the_learning_rate_is_high()
    {
        var twin = new SmallTwin();
        string checkpoint = Path.Combine(folder, "training.checkpoint");
        // At this rate only batch-norm statistics move, and the best validation comes early.
        var options = SmallTwin.Brief with
            { Steps = 60, LearningRate = 1e-12, WarmUpSteps = 5, ValidationInterval = 1, Patience = 3, ValidationCycles = 2,
                ValidationBurnIn = 1, CheckpointPath = checkpoint };
        var history = SmallTwin.History(twin.Estimator(options).Fit(twin.Training, twin.Validation));
        Assert.False(options.TriesPatience(new TrainingStep(5, 1, 0, 1, 0, 1, 0)));   // still rising
        Assert.True(options.TriesPatience(new TrainingStep(6, 1, 0, 1, 0, 1, 0)));
        long firstTried = history.Steps.First(step => step.Step > 5 && step.LearningRate <= 0.1 * options.LearningRate).Step;
        Assert.True(history.Best!.Step < firstTried, $"{history.Best.Step} {firstTried}");
        Assert.Equal(TrainingEnd.NoImprovement, history.End);
        Assert.Equal(firstTried + 2, history.Steps.Count);
        // What a checkpoint remembers of it is the same.
        Assert.Equal(history.Steps.Count, SmallTwin.History(twin.Estimator(options).Fit(twin.Training, twin.Validation)).Steps.Count);
    }

    [Fact]
    public void A_time_limit_ends_training_with_its_rate_run_down()
    {
        var twin = new SmallTwin();
        // By this clock, which goes on by a millisecond whenever it is read, the limit is some dozens of steps, on any machine.
        var options = SmallTwin.Brief with
            { Steps = 1_000_000, WarmUpSteps = 0, MaximumDuration = TimeSpan.FromSeconds(0.15), ValidationInterval = 1000,
                ValidationCycles = 5, ValidationBurnIn = 1, Clock = new SteadyClock() };
        var history = SmallTwin.History(twin.Estimator(options).Fit(twin.Training, twin.Validation));
        Assert.Equal(TrainingEnd.TimeUp, history.End);
        Assert.NotNull(history.Steps[^1].ValidationError);
        Assert.Equal(options.LearningRate, history.Steps[0].LearningRate, 1e-3);
        Assert.True(history.Steps[^1].LearningRate < 0.2 * options.LearningRate);
        Assert.Equal(history.Steps.Select(step => step.LearningRate).OrderDescending(), history.Steps.Select(step => step.LearningRate));
    }

    private sealed class SteadyClock : TimeProvider
    {
        private long readings;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => readings++;
    }

    [Fact]
    public void The_learning_rate_rises_then_falls_as_half_a_cosine()
    {
        var options = new TrainingOptions { Steps = 100, LearningRate = 2, WarmUpSteps = 3 };
        Assert.Equal(0.5, options.LearningRateAt(0, 0), 1e-15);
        Assert.Equal(1, options.LearningRateAt(50, options.Progress(50, TimeSpan.FromHours(9))), 1e-15);
        Assert.Equal(0, options.LearningRateAt(100, 1), 1e-15);
        var limited = options with { MaximumDuration = TimeSpan.FromMinutes(1) };
        Assert.Equal((0.75 - 0.02) / 0.98, limited.Progress(50, TimeSpan.FromSeconds(45)), 1e-12);
        Assert.Equal(1, limited.Progress(50, TimeSpan.FromSeconds(60)), 1e-12);
        Assert.Equal(0.01, limited.Progress(1, TimeSpan.FromSeconds(1.2)));     // what the first steps take longer does not show
        Assert.Equal(0.5, limited.Progress(50, TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others()
    {
        var (first, second, third) = (new SmallTwin(5), new SmallTwin(5), new SmallTwin(6));
        var a = first.Estimator().Fit(first.Training, first.Validation);
        manual_seed(99);   // libtorch's global generator has no say
        var b = second.Estimator().Fit(second.Training, second.Validation);
        var c = third.Estimator().Fit(third.Training, third.Validation);
        Bits.Equal(SmallTwin.Analyzer(a).Network, SmallTwin.Analyzer(b).Network);
        Assert.Equal(Losses(a), Losses(b));
        Assert.False(Bits.Same(SmallTwin.Analyzer(a).Network, SmallTwin.Analyzer(c).Network));
        var repeated = first.Estimator(SmallTwin.Brief with { Repetition = 1 }).Fit(first.Training, first.Validation);
        Assert.False(Bits.Same(SmallTwin.Analyzer(a).Network, SmallTwin.Analyzer(repeated).Network));
        Assert.Equal(((ResidualConvolutionNetwork)SmallTwin.Analyzer(a).Network).Statistics,
            ((ResidualConvolutionNetwork)SmallTwin.Analyzer(repeated).Network).Statistics);
    }

    [Theory]
    [InlineData(null, 27, 61)]   // first between validations, then after one
    [InlineData(5L, 6, 14)]      // with trajectories left of a chunk
    public void A_training_that_was_cancelled_goes_on_to_the_same_losses_and_weights_to_the_bit(long? batch, long first, long second)
    {
        var twin = new SmallTwin(3);
        var options = SmallTwin.Brief with { BatchSize = batch, CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        var uninterrupted = twin.Estimator(options with { CheckpointPath = null }).Fit(twin.Training, twin.Validation);

        foreach (long cycle in (long[])[first, second])
        {
            using var cancel = new CancellationTokenSource();
            var part = twin.Estimator(options).Fit(twin.CancelAt(cycle, cancel), twin.Validation, cancel.Token);
            var history = SmallTwin.History(part);
            Assert.Equal(TrainingEnd.Cancelled, history.End);
            Assert.InRange(history.Steps.Count, 5, 20);
            Assert.Equal(Losses(uninterrupted)[..history.Steps.Count], Losses(part));
        }
        var resumed = twin.Estimator(options).Fit(twin.Training, twin.Validation);
        Assert.Equal(Losses(uninterrupted), Losses(resumed));
        Assert.Equal(SmallTwin.History(uninterrupted).Steps.Select(step => step.ValidationError),
            SmallTwin.History(resumed).Steps.Select(step => step.ValidationError));
        Bits.Equal(SmallTwin.Analyzer(uninterrupted).Network, SmallTwin.Analyzer(resumed).Network);
        Assert.Equal([options.CheckpointPath!], Directory.GetFiles(folder));

        var finished = twin.Estimator(options).Fit(twin.Training, twin.Validation);   // nothing is left to do
        Bits.Equal(SmallTwin.Analyzer(uninterrupted).Network, SmallTwin.Analyzer(finished).Network);
    }

    [Fact]
    public void Cancelling_gives_the_best_so_far()
    {
        var twin = new SmallTwin();
        using var cancel = new CancellationTokenSource();
        var options = SmallTwin.Brief with { Steps = 4000 };
        var method = twin.Estimator(options).Fit(twin.CancelAt(100, cancel), twin.Validation, cancel.Token);
        var history = SmallTwin.History(method);
        Assert.Equal(TrainingEnd.Cancelled, history.End);
        Assert.True(history.Steps.Count > history.Best!.Step);
        Assert.Equal(history.Best.ValidationError!.Value, Validation(twin, method, options), 1e-12);
        Assert.Throws<OperationCanceledException>(() => twin.Estimator(options).Fit(twin.Training, twin.Validation, cancel.Token));
    }

    [Fact]
    public void A_checkpoint_knows_settings_that_no_tensor_has_the_shape_of()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var options = SmallTwin.Brief with
            { Steps = 2, ValidationCycles = 2, ValidationBurnIn = 1, CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        LearnedAnalysisEstimator<StateMemory> Estimator(double halfWidth) =>
            twin.Context.Analysis.InnovationLinear(system,
                new() { Network = new()
                    { Network = new() { Filters = 2, Blocks = 1, SubBlocks = 1 }, Columns = 2,
                        Radius = LocalisationRadius.HalfWidth(halfWidth) }, Training = options });
        Estimator(2).Fit(twin.Training, twin.Validation);
        Estimator(2).Fit(twin.Training, twin.Validation);
        Assert.Contains("written by a different training",
            Assert.Throws<ModelArchiveException>(() => Estimator(1.5).Fit(twin.Training, twin.Validation)).Message);
    }

    [Fact]
    public void A_checkpoint_of_another_training_or_a_damaged_one_is_refused()
    {
        var twin = new SmallTwin();
        var options = SmallTwin.Brief with
            { Steps = 2, ValidationCycles = 2, ValidationBurnIn = 1, CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        twin.Estimator(options).Fit(twin.Training, twin.Validation);
        var refused = Assert.Throws<ModelArchiveException>(() =>
            twin.Estimator(options with { Truncation = 5 }).Fit(twin.Training, twin.Validation));
        Assert.Contains("written by a different training", refused.Message);
        Assert.Throws<ModelArchiveException>(() => new SmallTwin(1).Estimator(options).Fit(twin.Training, twin.Validation));
        Assert.Throws<ModelArchiveException>(() => twin.Estimator(options).Fit(twin.View("other data", 16), twin.Validation));
        byte[] bytes = File.ReadAllBytes(options.CheckpointPath!);
        File.WriteAllBytes(options.CheckpointPath!, bytes[..(bytes.Length / 2)]);
        Assert.Throws<ModelArchiveException>(() => twin.Estimator(options).Fit(twin.Training, twin.Validation));
    }

    [Fact]
    public void A_training_that_diverged_in_every_validation_says_so_from_its_checkpoint_too()
    {
        var twin = new SmallTwin();
        var options = SmallTwin.Brief with
            { Steps = 3, WarmUpSteps = 0, LearningRate = 1e4, ValidationInterval = 3, ValidationCycles = 20, ValidationBurnIn = 1,
                CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        var diverged = Assert.Throws<DivergenceException>(() => twin.Estimator(options).Fit(twin.Training, twin.Validation));
        Assert.Equal(diverged.Message,
            Assert.Throws<DivergenceException>(() => twin.Estimator(options).Fit(twin.Training, twin.Validation)).Message);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_is_seen_before_the_first_step()
    {
        var twin = new SmallTwin();
        string file = Path.Combine(folder, "a-file");
        File.WriteAllText(file, "");
        var options = SmallTwin.Brief with { CheckpointPath = Path.Combine(file, "training.checkpoint") };
        long cycles = 0;
        Assert.Throws<IOException>(() => twin.Estimator(options).Fit(new WatchedView(twin.Training, _ => cycles++), twin.Validation));
        Assert.Equal(125, cycles);   // those of the statistics
    }

    [Fact]
    public void A_training_cancelled_before_its_first_step_can_be_taken_up()
    {
        var twin = new SmallTwin();
        var options = SmallTwin.Brief with { Steps = 8, CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        var untouched = twin.Estimator(options with { CheckpointPath = null }).Fit(twin.Training, twin.Validation);
        var stopped = new WatchedView(twin.Training, cycle => { if (cycle == 0 && File.Exists(options.CheckpointPath))
            throw new InvalidOperationException("power cut"); });
        Assert.Throws<InvalidOperationException>(() => twin.Estimator(options).Fit(stopped, twin.Validation));
        Assert.Equal(Losses(untouched), Losses(twin.Estimator(options).Fit(twin.Training, twin.Validation)));
    }

    [Fact]
    public void Without_a_validation_view_a_tenth_of_the_trajectories_is_held_back()
    {
        var twin = new SmallTwin();
        IEstimator<SequentialAssimilation<StateMemory>> estimator = twin.Estimator();
        var method = estimator.Fit(twin.Training);
        var (learned, held) = TrajectorySubset.HoldBack(twin.Training);
        Assert.Equal((14L, 2L), (learned.Schema.Batch, held.Schema.Batch));
        Bits.Equal(SmallTwin.Analyzer(twin.Estimator().Fit(learned, held)).Network, SmallTwin.Analyzer(method).Network);

        using var whole = twin.Training.OpenCursor();
        using var part = held.OpenCursor();
        for (int i = 0; i < 3; i++)
        {
            Assert.True(whole.MoveNext() && part.MoveNext());
            Bits.Equal(whole[Columns.Truth][14..], part[Columns.Truth]);
        }
        Assert.Contains("one trajectory", Assert.Throws<ArgumentException>(() => estimator.Fit(twin.View("training", 1))).Message);
    }

    [Fact]
    public void Progress_tells_loss_validation_error_and_time_left()
    {
        var reports = new List<ProgressReport>();
        var twin = new SmallTwin(progress: new Listener(reports.Add));
        twin.Estimator().Fit(twin.Training, twin.Validation);
        var last = reports[^1];
        Assert.Equal((24L, (long?)24), (last.Completed, last.Total));
        Assert.Equal(["loss", "validation rmse"], last.Metrics.Keys.Order());
        Assert.Equal(TimeSpan.Zero, last.Remaining);
        Assert.All(reports, report => Assert.Equal("training residual convolution", report.Activity));
    }

    [Fact]
    public void A_saved_method_is_the_same_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var network = SmallTwin.Network with { InnovationTerm = InnovationTerm.Trainable };
        var method = twin.Estimator(network: network).Fit(twin.Training, twin.Validation);
        string path = Path.Combine(folder, "model.daml");
        twin.Context.Model.Save(method, path);
        var read = new DataAssimilationContext(0).Model.Load<SequentialAssimilation<StateMemory>>(path);
        Bits.Equal(SmallTwin.Analyzer(method).Network, SmallTwin.Analyzer(read).Network);
        Assert.Equal(network, ((ResidualConvolutionNetwork)SmallTwin.Analyzer(read).Network).Options);
        Assert.Equal(SmallTwin.History(method).Steps, SmallTwin.History(read).Steps);
        Assert.Equal(SmallTwin.History(method).End, SmallTwin.History(read).End);
        Assert.Equal(twin.Rmse(method), twin.Rmse(read));
        Assert.False(SmallTwin.Analyzer(read).Network.training);
        Assert.DoesNotContain(SmallTwin.Analyzer(read).Network.parameters(), parameter => parameter.requires_grad);
    }

    [Fact]
    public void It_is_used_by_several_threads_at_once()
    {
        var twin = new SmallTwin();
        var method = twin.Estimator().Fit(twin.Training, twin.Validation);
        double expected = twin.Rmse(method);
        var errors = new double[4];
        var threads = Enumerable.Range(0, errors.Length).Select(i => new Thread(() => errors[i] = twin.Rmse(method))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(errors, error => Assert.Equal(expected, error));
    }

    [Fact]
    public void Missing_observations_give_no_innovation_and_are_learned_from()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var observing = ObservationNetwork.Random(twin.Dynamics.Dimension, minimumDensity: 0.3, maximumDensity: 0.9);
        var system = new AssimilationSystem(twin.Dynamics, observing);
        var view = twin.Context.Data.Twin(system, new() { Batch = 8 });
        using (var cursor = view.OpenCursor())
        {
            Assert.True(cursor.MoveNext());
            var observation = cursor.ReadObservation(view.Schema, cursor[Columns.Truth], "test");
            var scaled = AnalysisStatistics.ScaledInnovation(observing.Operator, observing.Error, cursor[Columns.Truth], observation);
            Bits.Equal(observation.Mask!, scaled != 0);
        }
        var method = twin.Context.Analysis.ResidualConvolution(system, new() { Network = SmallTwin.Network, Training = SmallTwin.Brief })
            .Fit(view);
        Assert.True(double.IsFinite(twin.Rmse(method, view.Take(30), 10)));
    }

    [Fact]
    public void The_scaled_innovation_is_the_adjoint_of_the_weighted_departure()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext();
        var dynamics = new Lorenz96(6);
        var observing = ObservationNetwork.Strided(dynamics.Dimension, 2, 0.25);
        var state = tensor(new double[] { 1, 2, 3, 4, 5, 6 }, 1, 6);
        var scaled = AnalysisStatistics.ScaledInnovation(observing.Operator, observing.Error, state,
            new Observation(tensor(new double[] { 2, 2, 2 }, 1, 3), null, 0));
        Assert.Equal([4, 0, -4, 0, -12, 0], scaled.data<double>().ToArray());
    }

    [Theory]
    [InlineData("Steps")]
    [InlineData("LearningRate")]
    [InlineData("WarmUpSteps")]
    [InlineData("Truncation")]
    [InlineData("BatchSize")]
    [InlineData("Repetition")]
    [InlineData("GradientClip")]
    [InlineData("ValidationInterval")]
    [InlineData("ValidationCycles")]
    [InlineData("ValidationBurnIn")]
    [InlineData("Patience")]
    [InlineData("PatientAboveRate")]
    [InlineData("MaximumDuration")]
    public void Bad_options_are_refused_by_name(string option)
    {
        var good = new TrainingOptions();
        var bad = option switch
        {
            "Steps" => good with { Steps = 0 },
            "LearningRate" => good with { LearningRate = double.NaN },
            "WarmUpSteps" => good with { WarmUpSteps = -1 },
            "Truncation" => good with { Truncation = 0 },
            "BatchSize" => good with { BatchSize = 0 },
            "Repetition" => good with { Repetition = -1 },
            "GradientClip" => good with { GradientClip = 0 },
            "ValidationInterval" => good with { ValidationInterval = 0 },
            "ValidationCycles" => good with { ValidationCycles = -5 },
            "ValidationBurnIn" => good with { ValidationBurnIn = -1 },
            "Patience" => good with { Patience = 0 },
            "PatientAboveRate" => good with { PatientAboveRate = 0 },
            _ => good with { MaximumDuration = TimeSpan.Zero },
        };
        Assert.Contains(option, Assert.Throws<ArgumentOutOfRangeException>(() => new SmallTwin().Estimator(bad)).Message);
    }

    [Fact]
    public void Data_that_do_not_fit_are_refused_at_the_door()
    {
        var twin = new SmallTwin();
        var other = new SmallTwin(sites: 10);
        Assert.Contains("[12]", Assert.Throws<SchemaException>(() => twin.Estimator().Fit(other.Training, other.Validation)).Message);
        Assert.Throws<ArgumentException>(() =>
            twin.Context.Analysis.ResidualConvolution(new AssimilationSystem(twin.Dynamics, other.Observing)));
        Assert.Contains("batch of 17",
            Assert.Throws<ArgumentException>(() =>
                twin.Estimator(SmallTwin.Brief with { BatchSize = 17 }).Fit(twin.Training, twin.Validation)).Message);
        Assert.Contains("burn-in",
            Assert.Throws<ArgumentException>(() => twin.Estimator().Fit(twin.Training, twin.View("short", 4, 10))).Message);
        var noTruth = new TrajectoryView(new TrajectorySchema(16, new ColumnDefinition(Columns.Observation, 12)), null, 0,
            twin.Training.OpenCursor);
        Assert.Contains("'truth'", Assert.Throws<SchemaException>(() => twin.Context.Pipeline(noTruth).Append(twin.Estimator())).Message);
    }

    [Fact]
    public void A_single_precision_network_serves_a_double_precision_state()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var method = twin.Estimator().Fit(twin.Training, twin.Validation);
        var doubled = new SequentialAssimilation<StateMemory>("doubled",
            method.Triple with { Source = new StateSource(new AttractorInitialCondition(twin.Dynamics, 5), ScalarType.Float64) },
            twin.Observing, twin.Context);
        using var run = doubled.Run(twin.Test);
        Assert.True(run.MoveNext());
        Assert.Equal(ScalarType.Float64, run.Analysis.State.dtype);
        using var random = twin.Context.Random("none");
        var observation = run.ReadObservation(twin.Test.Schema, run.Forecast.State, "test");
        var single = SmallTwin.Analyzer(method).Analyze(run.Forecast.Map(tensor => tensor.to(ScalarType.Float32)), observation, random);
        Assert.True((single.State - run.Analysis.State).abs().max().ToDouble() is > 0 and < 1e-4);
    }

    [Fact]
    public void It_is_chained_and_found_again()
    {
        var twin = new SmallTwin();
        var chain = twin.Context.Pipeline(twin.Training).Append(twin.Estimator()).Fit(twin.Training, twin.Validation);
        Assert.Equal(24, SmallTwin.History(chain.Find<SequentialAssimilation<StateMemory>>()).Steps.Count);
    }

    private static double Validation(SmallTwin twin, SequentialAssimilation<StateMemory> method, TrainingOptions options)
    {
        var inTraining = new SequentialAssimilation<StateMemory>(method.Name, method.Triple, twin.Observing, twin.Context,
            new SequentialAssimilationOptions { Stream = $"training/{method.Name}/validation" });
        return twin.Rmse(inTraining, twin.Validation.Take(options.ValidationBurnIn + options.ValidationCycles), options.ValidationBurnIn);
    }

    private static double[] Losses(SequentialAssimilation<StateMemory> method) =>
        [.. SmallTwin.History(method).Steps.Select(step => step.Loss)];

    private sealed class Listener(Action<ProgressReport> heard) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => heard(value);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

using Memory = ProductMemory<StateMemory, VectorMemory>;

public sealed class HiddenChannelTests : IDisposable
{
    private static readonly AnalysisStatistics Statistics = new(12, 2.3, 3.6, 0.5);
    private readonly string folder = Directory.CreateTempSubdirectory("daml-memory-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<ChannelUpdate, ChannelTransport> Choices => new(
        (ChannelUpdate.Replaced, ChannelTransport.Unchanged), (ChannelUpdate.Gated, ChannelTransport.TangentLinear));

    private static ResidualConvolutionNetwork Network(HiddenChannelOptions memory, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network = new ResidualConvolutionNetwork(SmallTwin.Network with { InnovationTerm = InnovationTerm.Trainable }, memory,
            Statistics, precision, random);
        network.train();
        var (forecast, innovation, channels) = Inputs(16, memory.Count, precision);
        using (no_grad()) for (int i = 0; i < 5; i++) Call(network, forecast, innovation, channels);
        network.eval();
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation, Tensor Channels) Inputs(long batch, long channels,
        ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, 12], precision) * 3.6 + 2.3, random.Normal([batch, 12], precision),
            random.Uniform([batch, channels, 12], precision) * 2 - 1);
    }

    // The state and its hidden channels are one tensor to the network.
    private static (Tensor Increment, Tensor Channels) Call(ResidualConvolutionNetwork network, Tensor forecast, Tensor innovation,
        Tensor channels)
    {
        var output = network.call(cat([forecast.unsqueeze(1), channels], 1), innovation);
        return (output.select(1, 0), output[.., 1..]);
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= tolerance, $"{distance}");
    }

    // Weights of the layers that read and write the memory set to nothing leave the network without one.
    [Fact]
    public void A_network_that_ignores_its_channels_is_the_one_without_memory()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var network = Network(new() { Count = 3 });
        var (forecast, innovation, channels) = Inputs(2, 3);
        using var random = new RandomStream(9, "plain", CPU);
        var plain = new ResidualConvolutionNetwork(network.Options, Statistics, ScalarType.Float64, random);
        plain.eval();
        var from = network.state_dict();
        foreach (var (name, tensor) in plain.state_dict())
            tensor.copy_(name == "trunk.encoder.weight" ? from[name][.., ..2] : name.StartsWith("trunk.decoder") ? from[name][..1]
                : from[name]);
        from["trunk.encoder.weight"][.., 2..].zero_();
        Near(plain.call(forecast, innovation), Call(network, forecast, innovation, channels).Increment, 1e-13);
        from["trunk.encoder.weight"][.., 2..].fill_(0.1);
        Assert.True((plain.call(forecast, innovation) - Call(network, forecast, innovation, channels).Increment).abs().max()
            .ToDouble() > 1e-3);
    }

    [Fact]
    public void A_network_with_memory_begins_as_one_without_and_learns_to_read_it()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(10, "begins", CPU);
        var plain = new ResidualConvolutionNetwork(SmallTwin.Network with { InnovationTerm = InnovationTerm.Trainable }, Statistics,
            ScalarType.Float64, random);
        var (forecast, innovation, channels) = Inputs(16, 4);
        using (no_grad())
        {
            plain.get_parameter("innovationFactor")!.fill_(0.3);
            for (int i = 0; i < 5; i++) plain.call(forecast, innovation);   // normalisations of its own
        }
        plain.eval();
        var before = plain.call(forecast, innovation).detach();
        var network = new ResidualConvolutionNetwork(plain, new HiddenChannelOptions { Count = 4 }, random);
        network.eval();
        var (increment, written) = Call(network, forecast, innovation, channels);
        Near(before, increment, 1e-13);
        Assert.True((written - channels).abs().max().ToDouble() > 0.01);
        Assert.Equal((plain.Options, plain.Statistics), (network.Options, network.Statistics));

        // The channels count from the first step on, and the first network stays as it is.
        network.train();
        var optimizer = optim.Adam(network.parameters(), 1e-2);
        increment.square().mean().backward();
        optimizer.step();
        network.eval();
        Assert.True((Call(network, forecast, innovation, channels).Increment - Call(network, forecast, innovation, -channels).Increment)
            .abs().max().ToDouble() > 1e-3);
        Assert.True(before.Equals(plain.call(forecast, innovation)));
    }

    [Fact]
    public void Channels_are_written_anew_or_by_a_gate()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (forecast, innovation, channels) = Inputs(2, 3);
        var (gated, replaced) = (Network(new() { Count = 3 }), Network(new() { Count = 3, Update = ChannelUpdate.Replaced }));
        foreach (var (name,
            tensor) in replaced.state_dict()) tensor.copy_(name.StartsWith("trunk.decoder") ? gated.state_dict()[name][..4]
                : gated.state_dict()[name]);
        var proposal = Call(replaced, forecast, innovation, channels).Channels;

        var bias = gated.get_parameter("trunk.decoder.bias")!;
        var gates = gated.get_parameter("trunk.decoder.weight")![4..];
        gates.zero_();
        foreach (var (logit, kept) in new[] { (-60.0, 0.0), (60.0, 1.0), (Math.Log(3), 0.75) })
        {
            bias[4..].fill_(logit);
            Near(kept * channels + (1 - kept) * proposal, Call(gated, forecast, innovation, channels).Channels, 1e-13);
        }
        Near(Call(gated, forecast, innovation, channels).Increment, Call(replaced, forecast, innovation, channels).Increment, 1e-13);
        Assert.True(proposal.abs().max().ToDouble() is > 0.01 and < 1);
    }

    [Theory]
    [InlineData(ChannelUpdate.Replaced)]
    [InlineData(ChannelUpdate.Gated)]
    public void It_commutes_with_translations(ChannelUpdate update)
    {
        using var scope = NewDisposeScope();
        var network = Network(new() { Count = 2, Update = update });
        var (forecast, innovation, channels) = Inputs(3, 2);
        var (increment, written) = Call(network, forecast, innovation, channels);
        var (shiftedIncrement, shiftedWritten) = Call(network, forecast.roll(5, 1), innovation.roll(5, 1), channels.roll(5, 2));
        Near(increment.roll(5, 1), shiftedIncrement, 1e-13);
        Near(written.roll(5, 2), shiftedWritten, 1e-13);
        Assert.True((written - shiftedWritten).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void The_tangent_linear_takes_channels_along_as_small_perturbations_of_the_state()
    {
        using var scope = NewDisposeScope();
        var model = new Lorenz96(12);
        using var random = new RandomStream(1, "state", CPU);
        var interval = new TimeInterval(0, 0.2);
        Memory At(Tensor state, Tensor channels) =>
            new TangentLinearChannelPropagater(model).Propagate(new(new(state), new(channels)), interval, random);
        var state = new AttractorInitialCondition(model, 5).Draw(3, random, ScalarType.Float64);
        var direction = random.Normal([3, 4, 12], ScalarType.Float64);

        const double small = 1e-4;
        var carried = At(state, small * direction);
        Near(model.Advance(state, interval), carried.First.State, 0);
        for (long k = 0; k < 4; k++)
        {
            var difference = (model.Advance(state + small * direction.select(1, k), interval)
                - model.Advance(state - small * direction.select(1, k), interval)) / 2;
            Near(difference / small, carried.Second.Vector.select(1, k) / small, 1e-5);
        }
        var large = At(state, direction).Second.Vector;
        Near(model.TangentLinear(state.unsqueeze(1).expand(3, 4, 12).contiguous(), direction, interval).tanh(), large, 0);
        Assert.True(large.abs().max().ToDouble() <= 1);
        Assert.True(At(state, zeros_like(direction)).Second.Vector.abs().max().ToDouble() == 0);
        Assert.Contains("[3, any, 12]", Assert.Throws<ArgumentException>(() => At(state, direction.select(1, 0))).Message);
    }

    // Without learning rate nothing moves, so a step gives loss and gradient at the weights there are. The third step unrolls
    // four cycles, in which what was written is read: the gradient has to find its way through the memory too.
    [Theory]
    [MemberData(nameof(Choices))]
    public void The_gradient_through_the_memory_is_that_of_finite_differences(ChannelUpdate update, ChannelTransport transport)
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(batch: 4, networkPrecision: ScalarType.Float64);
        string file = Path.Combine(folder, "start");
        using var bench = new Bench(twin, new() { Count = 2, Update = update, Transport = transport });
        bench.Backpropagation.Step(0);
        bench.Backpropagation.Step(0);
        TrainingCheckpoint.Write(file, "", bench.Backpropagation.Save);
        var step = bench.Backpropagation.Step(0);

        double LossAt(string name, long index, double shift)
        {
            using var other = new Bench(twin, bench.Memory);
            TrainingCheckpoint.Read(file, "", twin.Context, other.Backpropagation.Load);
            using (no_grad()) other.Network.state_dict()[name].view(-1)[index].add_(shift);
            return other.Backpropagation.Step(0).Loss;
        }

        Assert.Equal(step.Loss, LossAt("trunk.encoder.weight", 0, 0), 1e-14);
        foreach (string name in (string[])["trunk.encoder.weight", "trunk.convolutions.1.weight", "trunk.decoder.weight"])
        {
            var parameter = bench.Network.get_parameter(name)!;
            // The last numbers of encoder and decoder belong to the last channel alone.
            foreach (long index in (long[])[0, parameter.numel() - 1])
            {
                const double h = 1e-5;
                double finiteDifference = (LossAt(name, index, h) - LossAt(name, index, -h)) / (2 * h);
                double gradient = parameter.grad!.view(-1)[index].ToDouble();
                Assert.NotEqual(0, gradient);
                Assert.True(Math.Abs(finiteDifference - gradient) < 1e-7 + 1e-6 * Math.Abs(gradient),
                    $"{name}[{index}]: {gradient} by back-propagation, {finiteDifference} by differences");
            }
        }
    }

    [Fact]
    public void It_is_of_the_family_blind_linear_and_over_planes()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(7, "network", CPU);
        var options = SmallTwin.Network with
            { Inputs = AnalysisInputs.InnovationOnly, Activation = NetworkActivation.None, Grid = StateGrid.Plane(3, 4) };
        var network = new ResidualConvolutionNetwork(options, new() { Count = 2 }, Statistics, ScalarType.Float64, random);
        network.eval();
        var (forecast, innovation, channels) = Inputs(3, 2);
        var increment = Call(network, forecast, innovation, channels).Increment;
        Near(increment, Call(network, forecast + 1, innovation, channels).Increment, 0);
        Near(increment, Call(network.On(options.Grid), forecast, innovation, channels).Increment, 0);
        // Linear in the innovation and the channels: a mean of two has the mean of the increments.
        var (_, otherInnovation, otherChannels) = (forecast, innovation.roll(1, 0), channels.roll(1, 0));
        Near((increment + Call(network, forecast, otherInnovation, otherChannels).Increment) / 2,
            Call(network, forecast, (innovation + otherInnovation) / 2, (channels + otherChannels) / 2).Increment, 1e-13);
        Assert.Equal(options, ((ResidualConvolutionNetwork)Analyzer(SmallTwinOn(options)).Network).Options);
    }

    private static SequentialAssimilation<Memory> SmallTwinOn(ResidualConvolutionOptions options)
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var method = twin.Context.Analysis.ResidualConvolutionWithMemory(system,
            new() { Memory = new() { Count = 2 }, Network = options,
                Training = SmallTwin.Brief with { Steps = 4, ValidationInterval = 4 } })
            .Fit(twin.Training, twin.Validation);
        return Reloaded.Of(method, twin.Context);
    }

    private sealed class Bench : IDisposable
    {
        private readonly RandomStream random;

        public Bench(SmallTwin twin, HiddenChannelOptions memory)
        {
            Memory = memory;
            random = twin.Context.Random("bench");
            using var weights = twin.Context.Random("weights");
            var statistics = AnalysisStatistics.Measure(twin.Training, twin.Observing, 20);
            Network = new ResidualConvolutionNetwork(SmallTwin.Network, memory, statistics, ScalarType.Float64, weights);
            Network.train();
            IPropagater<Memory> propagater = memory.Transport == ChannelTransport.TangentLinear
                ? new TangentLinearChannelPropagater(twin.Dynamics)
                : new CarriedVectorPropagater<StateMemory>(new StatePropagater(twin.Dynamics));
            var procoder = new CarriedVectorProcoder<StateMemory>(new StateProcoder());
            var triple = new AssimilationTriple<Memory>(LearnedAnalyzer<Memory>.InTraining("bench", Network, twin.Observing), propagater,
                procoder,
                new HiddenChannelSource(new StateSource(statistics.Climatology(CPU), ScalarType.Float64), memory.Count));
            Backpropagation = new TruncatedBackpropagation<Memory>("bench", triple, Network, twin.Training,
                AnalysisCosts.SquaredError(procoder), 24,
                new TrainingOptions { Truncation = 4, GradientClip = 1e9 }, random);
        }

        public HiddenChannelOptions Memory { get; }
        public ResidualConvolutionNetwork Network { get; }
        public TruncatedBackpropagation<Memory> Backpropagation { get; }

        public void Dispose()
        {
            Backpropagation.Dispose();
            random.Dispose();
            Network.Dispose();
        }
    }

    // A truth that swings, x_t = 2 r cos(w) x_(t-1) - r^2 x_(t-2) + e_t, forecast by a model that thinks it stays where it is. The
    // state alone does not say which way it goes; with a number beside it the Kalman filter of (x_t, x_(t-1)) is within reach.
    [Fact]
    public void A_memory_learns_what_the_forecast_alone_cannot_know()
    {
        const int cycles = 160, burnIn = 40, batch = 48, sites = 4;
        double first = 2 * 0.98 * Math.Cos(0.4), second = -0.98 * 0.98, deviation = Math.Sqrt(0.05);
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(3);
        var model = new LinearDynamics(eye(sites, dtype: ScalarType.Float64));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        ITrajectoryView View(string stream)
        {
            using var random = context.Random(stream);
            var (states, observations) = (new List<Tensor>(), new List<Tensor>());
            Tensor now = random.Normal([batch, sites], ScalarType.Float64), before = now;
            for (int t = 0; t < 50 + cycles; t++)
            {
                (now, before) = (first * now + second * before + deviation * random.Normal([batch, sites], ScalarType.Float64), now);
                if (t < 50) continue;
                states.Add(now);
                observations.Add(now + random.Normal([batch, sites], ScalarType.Float64));
            }
            return context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Truth] = stack(states), [Columns.Observation] = stack(observations) },
                    [.. Enumerable.Range(1, cycles).Select(t => (double)t)]);
        }

        var (training, validation, test) = (View("training"), View("validation"), View("test"));
        var size = new ResidualConvolutionOptions { Filters = 12, Blocks = 1, SubBlocks = 1, KernelSize = 1 };
        var options = new TrainingOptions
            { Steps = 400, ValidationInterval = 100, ValidationBurnIn = burnIn, ValidationCycles = cycles - burnIn };
        double ErrorVariance(ITransformer method)
        {
            double sum = 0;
            using var cursor = method.Transform(test).OpenCursor();
            while (cursor.MoveNext()) if (cursor.Cycle >= burnIn)
                sum += (cursor[Columns.Analysis] - cursor[Columns.Truth]).square().mean().ToDouble();
            return sum / (cycles - burnIn);
        }

        double without =
            ErrorVariance(context.Analysis.ResidualConvolution(system, new() { Network = size, Training = options })
                .Fit(training, validation));
        double with =
            ErrorVariance(
                context.Analysis.ResidualConvolutionWithMemory(system,
                    new() { Memory = new() { Count = 2 }, Network = size, Training = options }).Fit(training, validation));
        // The Kalman filter's analysis error variance, from the Riccati equation, and the least that x_a = a x_f + k y reaches.
        const double kalman = 0.370, oneNumber = 0.63;
        string figures = $"with memory {with:f3}, without {without:f3}";
        Assert.True(without > 0.9 * oneNumber, figures);
        Assert.True(with > 0.9 * kalman && with < 1.2 * kalman, figures);
    }

    [Theory]
    [MemberData(nameof(Choices))]
    public void It_learns_and_a_saved_method_is_the_same_to_the_bit(ChannelUpdate update, ChannelTransport transport)
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var memory = new HiddenChannelOptions { Count = 3, Update = update, Transport = transport };
        var method = Estimator(twin, memory,
            SmallTwin.Brief with { Steps = 120, Truncation = 8, ValidationInterval = 40, ValidationBurnIn = 40, ValidationCycles = 60 })
            .Fit(twin.Training, twin.Validation);
        double rmse = twin.Rmse(method);
        Assert.True(rmse < 0.55, $"{rmse}");

        string path = Path.Combine(folder, "model.daml");
        twin.Context.Model.Save(method, path);
        var read = new DataAssimilationContext(0).Model.Load<SequentialAssimilation<Memory>>(path);
        Bits.Equal(Analyzer(method).Network, Analyzer(read).Network);
        Assert.Equal(memory, ((ResidualConvolutionNetwork)Analyzer(read).Network).Memory);
        Assert.Equal(Analyzer(method).History!.Steps, Analyzer(read).History!.Steps);
        Assert.Equal(rmse, twin.Rmse(read));
        Assert.False(Analyzer(read).Network.training);

        using var run = read.Run(twin.Test);
        Assert.True(run.MoveNext());
        Assert.Equal(0, run.Forecast.Second.Vector.abs().max().ToDouble());
        Assert.True(run.MoveNext());
        Assert.True(run.Forecast.Second.Vector.abs().max().ToDouble() > 0);
    }

    // A learning rate of next to nothing shows the training's losses at the weights it begins with.
    [Fact]
    public void A_training_from_a_trained_network_keeps_its_normalisations_where_it_is_told_to()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var system = twin.System;
        var brief = SmallTwin.Brief with { Steps = 60, ValidationInterval = 20 };
        var first = twin.Context.Analysis.ResidualConvolution(system, new() { Network = SmallTwin.Network, Training = brief })
            .Fit(twin.Validation, twin.Training);
        var plain = (ResidualConvolutionNetwork)((LearnedAnalyzer<StateMemory>)first.Triple.Analyzer).Network;
        var before = plain.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        SequentialAssimilation<Memory> Begun(bool keeps, double rate) =>
            twin.Context.Analysis.ResidualConvolutionWithMemory(system,
                new() { First = first, Memory = new() { Count = 3 },
                    Training = brief with { Steps = 20, LearningRate = rate, KeepsNormalisation = keeps } })
                        .Fit(twin.Training, twin.Validation);

        var (kept, moved) = (Begun(keeps: true, 1e-3), Begun(keeps: false, 1e-3));
        bool Same(SequentialAssimilation<Memory> method, string name) => Analyzer(method).Network.state_dict()[name].Equals(before[name]);
        foreach (string statistics in before.Keys.Where(name => name.Contains("running")))
        {
            Assert.True(Same(kept, statistics));
            Assert.False(Same(moved, statistics));
        }
        Assert.False(Same(kept, "trunk.convolutions.0.weight"));
        foreach (var (name, tensor) in plain.state_dict()) Assert.True(tensor.Equals(before[name]), name);

        // With the statistics kept, a training that does not move has the error of the method that it began as.
        var still = Begun(keeps: true, 1e-12);
        Assert.Equal(twin.Rmse(first), twin.Rmse(still), 1e-3 * twin.Rmse(first));
        Assert.NotEqual(Analyzer(Begun(keeps: false, 1e-12)).History!.Steps[0].Loss, Analyzer(still).History!.Steps[0].Loss);
        Assert.Equal(Analyzer(still).History!.Steps[0].Loss, Analyzer(kept).History!.Steps[0].Loss);
        // Weights that are read have the constants of the first network's data, which theirs are scaled by.
        string weights = Path.Combine(folder, "begun");
        WeightFiles.Write(weights, Analyzer(kept).Network, Analyzer(kept).History!);
        var read = twin.Context.Analysis.ResidualConvolutionWithMemory(system,
            new() { Memory = new() { Count = 3 }, Network = SmallTwin.Network }).Pretrained(weights);
        Assert.NotEqual(plain.Statistics, AnalysisStatistics.Measure(twin.Training, twin.Observing, 20));
        Assert.Equal(plain.Statistics, ((ResidualConvolutionNetwork)Analyzer(read).Network).Statistics);
        Bits.Equal(Analyzer(kept).Network, Analyzer(read).Network);

        // The plain network goes on as itself.
        var further = twin.Context.Analysis.ResidualConvolution(system,
            new() { First = first, Training = brief with { Steps = 20, LearningRate = 1e-12, KeepsNormalisation = true } })
            .Fit(twin.Training, twin.Validation);
        Assert.Equal(twin.Rmse(first), twin.Rmse(further), 1e-3 * twin.Rmse(first));
        Assert.NotSame(plain, ((LearnedAnalyzer<StateMemory>)further.Triple.Analyzer).Network);
        var physical = twin.Context.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(twin.Dynamics.Dimension, 0.5)) });
        Assert.Contains("residual convolutional",
            Assert.Throws<ArgumentException>(() =>
                twin.Context.Analysis.ResidualConvolutionWithMemory(system, new() { First = physical })).Message);
    }

    [Fact]
    public void A_training_that_was_cancelled_goes_on_with_what_it_remembered()
    {
        var twin = new SmallTwin(3);
        var memory = new HiddenChannelOptions { Count = 2 };
        var uninterrupted = Estimator(twin, memory).Fit(twin.Training, twin.Validation);
        var options = SmallTwin.Brief with { CheckpointPath = Path.Combine(folder, "training.checkpoint") };
        using var cancel = new CancellationTokenSource();
        var part = Estimator(twin, memory, options).Fit(twin.CancelAt(27, cancel), twin.Validation, cancel.Token);
        Assert.Equal(TrainingEnd.Cancelled, Analyzer(part).History!.End);
        // The same shapes, but another way between analyses: another training.
        Assert.Throws<ModelArchiveException>(() =>
            Estimator(twin, memory with { Transport = ChannelTransport.TangentLinear }, options).Fit(twin.Training, twin.Validation));
        var resumed = Estimator(twin, memory, options).Fit(twin.Training, twin.Validation);
        Bits.Equal(Analyzer(uninterrupted).Network, Analyzer(resumed).Network);
    }

    [Fact]
    public void Errors_of_another_size_in_each_trajectory_are_learned_from()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var view = twin.Context.Data.Twin(system, new() { Batch = 8, ErrorScale = new(0.5, 2) });
        Assert.Single(Analyzer(Estimator(twin, new() { Count = 2 }, SmallTwin.Brief with { Steps = 1 }).Fit(view, view)).History!.Steps);
    }

    [Fact]
    public void It_runs_on_circles_of_another_size()
    {
        var (twin, larger) = (new SmallTwin(), new SmallTwin(sites: 20));
        var system = larger.System;
        var method = Estimator(twin, new() { Count = 2 }).Fit(twin.Training, twin.Validation);
        var network = (ResidualConvolutionNetwork)Analyzer(method).Network;
        var there = larger.Context.Analysis.LearnedWithMemory("transferred", system, network.Memory!, (_, _) => network,
            SmallTwin.Brief with { Steps = 1, LearningRate = 1e-12 });
        using var scope = NewDisposeScope();
        using var random = new RandomStream(4, "large", CPU);
        var (forecast, innovation) = (random.Normal([2, 20], ScalarType.Float32), random.Normal([2, 20], ScalarType.Float32));
        Assert.Equal([2, 2, 20], Call(network, forecast, innovation, zeros(2, 2, 20)).Channels.shape);
        foreach (var parameter in network.parameters()) parameter.requires_grad_(true);
        Assert.True(double.IsFinite(larger.Rmse(there.Fit(larger.Training, larger.Validation))));
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        Assert.Contains("Count", Assert.Throws<ArgumentOutOfRangeException>(() => Estimator(twin, new() { Count = 0 })).Message);
        Assert.Contains("Count", Assert.Throws<ArgumentOutOfRangeException>(() => Estimator(twin, new() { Count = 5000 })).Message);
        Assert.Contains("Update",
            Assert.Throws<ArgumentOutOfRangeException>(() => Estimator(twin, new() { Update = (ChannelUpdate)9 })).Message);
        Assert.Contains("Transport",
            Assert.Throws<ArgumentOutOfRangeException>(() => Estimator(twin, new() { Transport = (ChannelTransport)9 })).Message);
        Assert.Throws<ArgumentException>(() =>
            twin.Context.Analysis.ResidualConvolutionWithMemory(new AssimilationSystem(twin.Dynamics, new SmallTwin(sites: 10).Observing)));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new HiddenChannelSource(new StateSource(Statistics.Climatology(CPU), ScalarType.Float32), 0));
        var network = Network(new() { Count = 3 });
        var (forecast, innovation, channels) = Inputs(2, 3);
        Assert.Contains("hidden channels",
            Assert.Throws<ArgumentException>(() => Call(network, forecast, innovation, channels[.., ..2])).Message);
        Assert.Contains("scaled innovation",
            Assert.Throws<ArgumentException>(() => Call(network, forecast, innovation[.., 1..], channels)).Message);
        using var random = new RandomStream(11, "second", CPU);
        Assert.Contains("given: one with 3 hidden channels",
            Assert.Throws<ArgumentException>(() => new ResidualConvolutionNetwork(network, new() { Count = 2 }, random)).Message);
        Assert.Contains("not a GaussianMemory", Assert.Throws<NotSupportedException>(() =>
            new LearnedAnalyzer<GaussianMemory>("unpacked", twin.Observing.Operator, twin.Observing.Error, network)).Message);
        Assert.Throws<ArgumentException>(() =>
            new LearnedAnalyzer<Memory>("mismatched", twin.Observing.Operator, ErrorCovariance.Scalar(3, 1), network));
    }

    private static LearnedAnalysisEstimator<Memory> Estimator(SmallTwin twin, HiddenChannelOptions memory,
        TrainingOptions? training = null) =>
        twin.Context.Analysis.ResidualConvolutionWithMemory(twin.System,
            new() { Memory = memory, Network = SmallTwin.Network, Training = training ?? SmallTwin.Brief });

    private static LearnedAnalyzer<Memory> Analyzer(SequentialAssimilation<Memory> method) =>
        (LearnedAnalyzer<Memory>)method.Triple.Analyzer;
}

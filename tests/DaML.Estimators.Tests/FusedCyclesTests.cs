using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>An optimiser step in one piece is the step by tensor operators.</summary>
public sealed class FusedCyclesTests
{
    private const int Sites = 12;

    private sealed record Setting
    {
        public ResidualConvolutionOptions Size { get; init; } = new() { Filters = 6, Blocks = 2, SubBlocks = 2, KernelSize = 5 };
        public long Trajectories { get; init; } = 20;
        public long? Batch { get; init; }
        public long Burn { get; init; }
        public double Interval { get; init; } = 0.05;
        public double Unit { get; init; } = 1;
        public long Truncation { get; init; } = 4;
        public bool KeepsNormalisation { get; init; }
        public Func<IObservationNetwork> Observing { get; init; } = () => ObservationNetwork.Full(Sites);
    }

    public static TheoryData<string> Names => [.. Settings.Keys];

    private static readonly Dictionary<string, Setting> Settings = new()
    {
        ["all components, unit errors"] = new(),
        ["a batch that fills its lanes"] = new() { Trajectories = 32 },
        ["one layer"] = new() { Size = new() { Filters = 5, Blocks = 1, SubBlocks = 1, KernelSize = 3 } },
        ["one block of three layers"] = new() { Size = new() { Filters = 4, Blocks = 1, SubBlocks = 3, KernelSize = 7 } },
        ["no activation"] = new() { Size = new() { Filters = 4, Blocks = 2, SubBlocks = 1, Activation = NetworkActivation.None } },
        ["several model steps in a cycle"] = new() { Interval = 0.15 },
        ["batches of some trajectories"] = new() { Batch = 7 },
        ["a burn-in"] = new() { Burn = 3 },
        ["a burn-in in batches"] = new() { Batch = 7, Burn = 2 },
        ["missing observations in batches"] = new()
        {
            Batch = 9,
            Observing = () => ObservationNetwork.Random(Sites, errorVariance: 0.5, minimumDensity: 0.3),
        },
        ["another unit"] = new() { Unit = 0.3 },
        ["running statistics"] = new() { KeepsNormalisation = true },
        ["the innovation alone"] = new() { Size = new() { Filters = 4, Inputs = AnalysisInputs.InnovationOnly } },
        ["a trainable innovation term"] = new() { Size = new() { Filters = 4, InnovationTerm = InnovationTerm.Trainable } },
        ["some components, one twice, errors that differ"] = new()
        {
            Observing = () => new ObservationNetwork(new SubsetObservationOperator(Sites, 7, 2, 3, 7, 11),
                ErrorCovariance.Diagonal(0.5, 1, 2, 0.25, 3)),
        },
        ["missing observations"] = new() { Observing = () => ObservationNetwork.Random(Sites, errorVariance: 0.5, minimumDensity: 0.3) },
    };

    private sealed class Training : IDisposable
    {
        private readonly RandomStream random;

        public Training(Setting setting, bool fused)
        {
            var context = new DataAssimilationContext(seed: 5);
            var model = new Lorenz96(Sites);
            var observing = setting.Observing();
            var system = new AssimilationSystem(model, observing) { Interval = setting.Interval };
            Data = context.Data.Twin(system, new() { Batch = setting.Trajectories });
            random = context.Random("training");
            using var weights = context.Random("weights");
            Network = new(setting.Size, AnalysisStatistics.Measure(Data, observing, 5), ScalarType.Float32, weights);
            if (Network.InnovationFactor is { } factor) using (no_grad()) factor.fill_(0.2f);
            ModuleState.Train(Network, setting.KeepsNormalisation);
            var triple = new AssimilationTriple<StateMemory>(LearnedAnalyzer<StateMemory>.InTraining("bench", Network, observing),
                new StatePropagater(model), new StateProcoder(),
                new StateSource(new AttractorInitialCondition(model, 10), ScalarType.Float32));
            var cost = AnalysisCosts.SquaredError(triple.Procoder, setting.Unit);
            // a cost that nobody knows goes by operators
            if (!fused) cost = new AnalysisCost<StateMemory>((forecast, analysis, cycle) =>
                AnalysisCosts.SquaredError(triple.Procoder, setting.Unit)(forecast, analysis, cycle));
            Steps = new("bench", triple, Network, Data, cost, 30,
                new() { Truncation = setting.Truncation, BatchSize = setting.Batch, BurnIn = setting.Burn, GradientClip = 1e9 }, random);
        }

        public ITrajectoryView Data { get; }
        public ResidualConvolutionNetwork Network { get; }
        public TruncatedBackpropagation<StateMemory> Steps { get; }

        public void Dispose()
        {
            Steps.Dispose();
            Network.Dispose();
            random.Dispose();
        }
    }

    // The weights stay, so that differences do not grow by training.
    [Theory, MemberData(nameof(Names))]
    public void It_is_the_step_by_operators(string name)
    {
        using var scope = NewDisposeScope();
        using Training fused = new(Settings[name], true), plain = new(Settings[name], false);
        for (int step = 0; step < 6; step++)
        {
            var (one, other) = (fused.Steps.Step(0), plain.Steps.Step(0));
            Assert.Equal((true, false), (fused.Steps.IsFused, plain.Steps.IsFused));
            Assert.Equal(other.Loss, one.Loss, 1e-5 * other.Loss);
            Assert.Equal(other.GradientNorm, one.GradientNorm, 1e-4 * other.GradientNorm);
            Assert.Equal(other.Restarts, one.Restarts);
            foreach (var (parameter, expected) in fused.Network.named_parameters().Zip(plain.Network.parameters()))
            {
                double difference = (parameter.parameter.grad! - expected.grad!).norm().ToDouble();
                Assert.True(difference <= 1e-5 * other.GradientNorm,
                    $"step {step}, {parameter.name}: {difference} of {other.GradientNorm}");
            }
            foreach (var (buffer, expected) in fused.Network.named_buffers().Zip(plain.Network.buffers()))
            {
                double difference = (buffer.buffer - expected).to(ScalarType.Float64).norm().ToDouble();
                double size = expected.to(ScalarType.Float64).norm().ToDouble();
                Assert.True(difference <= 1e-5 * (1 + size), $"step {step}, {buffer.name}: {difference} of {size}");
            }
        }
    }

    [Fact]
    public void It_does_not_depend_on_the_number_of_threads()
    {
        using var scope = NewDisposeScope();
        var setting = new Setting { Size = new() { Filters = 16 }, Trajectories = 40 };
        int threads = get_num_threads();
        double[] Losses(int count)
        {
            set_num_threads(count);
            using var training = new Training(setting, true);
            return [.. Enumerable.Range(0, 6).Select(_ => training.Steps.Step(1e-3).Loss)];
        }
        try { Assert.Equal(Losses(1), Losses(3)); }
        finally { set_num_threads(threads); }
    }

    // Beside what the training view makes of each cycle. Helping threads leave nothing.
    [Fact]
    public void A_step_leaves_less_than_four_kibibytes_on_the_managed_heap()
    {
        const int steps = 50, truncation = 16;
        using var training = new Training(new() { Size = new() { Filters = 16 }, Trajectories = 32, Truncation = truncation }, true);
        for (int i = 0; i < 10; i++) training.Steps.Step(1e-3);
        long Allocated(Action work)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < steps; i++) work();
            return (GC.GetAllocatedBytesForCurrentThread() - before) / steps;
        }
        using var cursor = training.Data.OpenCursor();
        void Read()
        {
            for (int k = 0; k < truncation && cursor.MoveNext(); k++) _ = (cursor[Columns.Truth], cursor[Columns.Observation]);
        }
        Read();
        long reading = Allocated(Read), all = Allocated(() => training.Steps.Step(1e-3));
        Assert.InRange(all - reading, 0, 4095);
    }
}

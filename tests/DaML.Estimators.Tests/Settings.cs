using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A small Lorenz-96 twin experiment and a tiny network, the same in all tests of learned analyses.</summary>
internal sealed class SmallTwin
{
    public SmallTwin(long seed = 0, long sites = 12, long batch = 16, ScalarType networkPrecision = ScalarType.Float32,
        IProgress<ProgressReport>? progress = null, IReadOnlyList<ComponentType>? components = null)
    {
        Context = new DataAssimilationContext(new DataAssimilationOptions
            { Seed = seed, NetworkPrecision = networkPrecision, Progress = progress, Components = components ?? [] });
        Dynamics = new Lorenz96(sites);
        Observing = ObservationNetwork.Full(Dynamics.Dimension);
        Training = View("training", batch);
        Validation = View("validation", 8);
        Test = View("test", 20, 160);
    }

    public DataAssimilationContext Context { get; }
    public Lorenz96 Dynamics { get; }
    public ObservationNetwork Observing { get; }
    public AssimilationSystem System => new(Dynamics, Observing);
    public ITrajectoryView Training { get; }
    public ITrajectoryView Validation { get; }
    public ITrajectoryView Test { get; }

    public static ResidualConvolutionOptions Network { get; } = new() { Filters = 8, Blocks = 1, SubBlocks = 2 };

    public static TrainingOptions Brief { get; } = new()
        { Steps = 24, Truncation = 4, ValidationInterval = 8, ValidationCycles = 20, ValidationBurnIn = 10 };

    public ITrajectoryView View(string stream, long batch, long? cycles = null) =>
        Context.Data.Twin(System with { Initial = new AttractorInitialCondition(Dynamics, 5) },
            new() { Batch = batch, Cycles = cycles, Stream = stream });

    public LearnedAnalysisEstimator<StateMemory> Estimator(TrainingOptions? training = null, ResidualConvolutionOptions? network = null) =>
        Context.Analysis.ResidualConvolution(System, new() { Network = network ?? Network, Training = training ?? Brief });

    /// <summary>Cancels when training comes to a cycle; the statistics of the data were measured there before.</summary>
    public ITrajectoryView CancelAt(long cycle, CancellationTokenSource cancel)
    {
        int times = 0;
        return new WatchedView(Training, at => { if (at == cycle && ++times == 2) cancel.Cancel(); });
    }

    public double Rmse(ITransformer method, ITrajectoryView? view = null, long burnIn = 60) =>
        Context.Scores.Evaluate(method.Transform(view ?? Test), new ScoreOptions { BurnIn = burnIn }).AnalysisRmse.Mean;

    public static LearnedAnalyzer<StateMemory> Analyzer(SequentialAssimilation<StateMemory> method) =>
        (LearnedAnalyzer<StateMemory>)method.Triple.Analyzer;

    public static TrainingHistory History(SequentialAssimilation<StateMemory> method) => Analyzer(method).History!;
}

/// <summary>Equality of tensors to the bit.</summary>
internal static class Bits
{
    public static void Equal(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(Of(expected), Of(actual));
    }

    public static void Equal(nn.Module expected, nn.Module actual)
    {
        var values = actual.state_dict();
        Assert.Equal(expected.state_dict().Keys.Order(), values.Keys.Order());
        foreach (var (name, tensor) in expected.state_dict()) Equal(tensor, values[name]);
    }

    public static bool Same(nn.Module a, nn.Module b)
    {
        var values = b.state_dict();
        return a.state_dict().All(pair => Of(pair.Value).AsSpan().SequenceEqual(Of(values[pair.Key])));
    }

    private static byte[] Of(Tensor tensor) => tensor.detach().cpu().contiguous().bytes.ToArray();
}

/// <summary>A view that does something when its cursor comes to a cycle.</summary>
internal sealed class WatchedView(ITrajectoryView view, Action<long> arrived, Func<long, Column, Tensor, Tensor>? change = null)
    : ITrajectoryView
{
    public TrajectorySchema Schema => view.Schema;
    public long? CycleCount => view.CycleCount;
    public double? StartTime => view.StartTime;
    public ITrajectoryCursor OpenCursor() => new Cursor(view.OpenCursor(), view.Schema, arrived, change);

    private sealed class Cursor(ITrajectoryCursor source, TrajectorySchema schema, Action<long> arrived,
        Func<long, Column, Tensor, Tensor>? change) : TrajectoryCursor(source)
    {
        protected override bool Compute(long cycle)
        {
            arrived(cycle);
            if (change is not null) foreach (var definition in schema.Definitions)
                Set(definition.Column, change(cycle, definition.Column, Source![definition.Column]));
            return true;
        }
    }
}

/// <summary>A view without its truth.</summary>
internal sealed class BlindView(ITrajectoryView view) : ITrajectoryView
{
    public TrajectorySchema Schema { get; } = new(view.Schema.Batch,
        [.. view.Schema.Definitions.Where(definition => definition.Column != Columns.Truth)]);
    public long? CycleCount => view.CycleCount;
    public double? StartTime => view.StartTime;
    public ITrajectoryCursor OpenCursor() => new Cursor(view.OpenCursor());

    private sealed class Cursor(ITrajectoryCursor source) : ITrajectoryCursor
    {
        public long Cycle => source.Cycle;
        public double Time => source.Time;
        public Tensor this[Column column] =>
            column == Columns.Truth ? throw new SchemaException("The truth is not shown.") : source[column];
        public bool MoveNext() => source.MoveNext();
        public void Dispose() => source.Dispose();
    }
}

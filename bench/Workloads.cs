using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>A piece of work that is done again and again, carrying its state on: what both kinds of benchmark measure.</summary>
public interface IWorkload : IDisposable
{
    /// <summary>Does it once.</summary>
    void Run();
}

/// <summary>The workloads by the names that <c>python_worker.py</c> gives its own.</summary>
public static class Workloads
{
    private static readonly Dictionary<string, Func<IWorkload>> Makers = new()
    {
        ["model.l96"] = () => new ModelStep(members: 40),
        ["filter.etkf.20"] = () => FilterCycle.EnsembleTransform(members: 20, inflation: 1.04),
        ["filter.etkf.40"] = () => FilterCycle.EnsembleTransform(members: 40, inflation: 1.01),
        ["filter.enkf-n.20"] = () => FilterCycle.FiniteSize(members: 20),
        ["filter.ienkf.20"] = () => FilterCycle.Iterative(members: 20, inflation: 1.04),
        ["filter.enkf-n.40"] = () => FilterCycle.FiniteSize(members: 40),
        ["filter.ienkf.40"] = () => FilterCycle.Iterative(members: 40, inflation: 1.01),
        ["filter.letkf.7"] = () => FilterCycle.Local(members: 7, inflation: 1.06),
        ["filter.var3d"] = FilterCycle.ThreeDimensionalVariational,
        ["sweep.etkf.20"] = () => FilterCycle.EnsembleTransform(members: 20, inflation: 1.04, runs: 1000),
        ["sweep.enkf-n.20"] = () => FilterCycle.FiniteSize(members: 20, runs: 1000),
        ["sweep.ienkf.20"] = () => FilterCycle.Iterative(members: 20, inflation: 1.04, runs: 1000),
        ["sweep.letkf.7"] = () => FilterCycle.Local(members: 7, inflation: 1.06, runs: 1000),
        ["rate.sgemm"] = () => new MatrixProduct(1024),
        ["training.16x2x2"] = () => new TrainingStep(new() { Filters = 16, Blocks = 2, SubBlocks = 2 }, batch: 32),
        ["training.20x3x3"] = () => new TrainingStep(new() { Filters = 20, Blocks = 3, SubBlocks = 3 }, batch: 128),
        ["training.40x5x5"] = () => new TrainingStep(ResidualConvolutionOptions.Reference, batch: 64),
        ["training.eager.16x2x2"] = () => new TrainingStep(new() { Filters = 16, Blocks = 2, SubBlocks = 2 }, batch: 32, eager: true),
        ["training.eager.20x3x3"] = () => new TrainingStep(new() { Filters = 20, Blocks = 3, SubBlocks = 3 }, batch: 128, eager: true),
        ["training.eager.40x5x5"] = () => new TrainingStep(ResidualConvolutionOptions.Reference, batch: 64, eager: true),
        ["training.eager.dan"] = () => new DataAssimilationNetworkStep(eager: true),
        ["training.dan"] = () => new DataAssimilationNetworkStep(),
        ["training.eager.lstm"] = () => new EmulatorStep(eager: true),
        ["training.lstm"] = () => new EmulatorStep(),
    };

    /// <summary>The names.</summary>
    public static IEnumerable<string> Names => Makers.Keys;

    /// <summary>Makes a workload ready.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static IWorkload Make(string name) => Makers.TryGetValue(name, out var make) ? make()
        : throw new ArgumentException($"There is no workload '{name}'; there are: {string.Join(", ", Names)}.");
}

/// <summary>A product of two square matrices, single precision: what the processor, or a device, can do.</summary>
public sealed class MatrixProduct : IWorkload
{
    private readonly Tensor left, right, product;

    /// <summary>Draws the matrices.</summary>
    public MatrixProduct(long size, DataAssimilationContext? context = null)
    {
        using var random = (context ?? new DataAssimilationContext(seed: 1)).Random("bench");
        Tensor Draw() => random.Normal([size, size], ScalarType.Float32).DetachFromDisposeScope();
        (left, right, product) = (Draw(), Draw(), Draw());
    }

    /// <inheritdoc/>
    public void Run()
    {
        using var scope = NewDisposeScope();
        product.copy_(left.matmul(right));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        left.Dispose();
        right.Dispose();
        product.Dispose();
    }
}

/// <summary>One Lorenz-96 step of an ensemble, double precision.</summary>
public sealed class ModelStep : IWorkload
{
    private readonly Lorenz96 model = new();
    private Tensor ensemble;

    /// <summary>Spins the members up.</summary>
    public ModelStep(long members)
    {
        using var random = new DataAssimilationContext(seed: 1).Random("bench");
        ensemble = new AttractorInitialCondition(model, 10).Draw(members, random, ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Run()
    {
        using var scope = NewDisposeScope();
        var next = model.Advance(ensemble, new TimeInterval(0, model.TimeStep)).DetachFromDisposeScope();
        ensemble.Dispose();
        ensemble = next;
    }

    /// <inheritdoc/>
    public void Dispose() => ensemble.Dispose();
}

/// <summary>
/// One optimiser step of the learned analysis: 16 cycles of forecast and analysis, backward, clipping, Adam; single precision.
/// </summary>
public sealed class TrainingStep : IWorkload
{
    private readonly ResidualConvolutionNetwork network;
    private readonly RandomStream random;
    private readonly TruncatedBackpropagation<StateMemory> training;

    /// <summary>Makes the network and lets the first steps, which unroll fewer cycles, pass.</summary>
    /// <param name="size">The network.</param>
    /// <param name="batch">The number of trajectories.</param>
    /// <param name="options">Device and precision of matrix products (default: null, the processor).</param>
    /// <param name="eager">Whether model, network, cost and their gradients go by TorchSharp's operators, as in a program without DaML's
    /// kernels; only Adam stays DaML's, in one pass (default: false).</param>
    public TrainingStep(ResidualConvolutionOptions size, long batch, DataAssimilationOptions? options = null, bool eager = false)
    {
        var context = new DataAssimilationContext((options ?? new()) with { Seed = 3, Precision = ScalarType.Float32 });
        IDynamics model = eager ? new OperatorLorenz96() : new Lorenz96();
        var observing = ObservationNetwork.Full(model.Dimension);
        random = context.Random("bench");
        var data = context.Data.Twin(new AssimilationSystem(new Lorenz96(), observing), new() { Batch = batch });
        if (eager) size = size with { Computation = NetworkComputation.Plain };
        network = new ResidualConvolutionNetwork(size, AnalysisStatistics.Measure(data, observing, 20), ScalarType.Float32, random);
        var triple = new AssimilationTriple<StateMemory>(
            LearnedAnalyzer<StateMemory>.InTraining("bench", network, observing), new StatePropagater(model), new StateProcoder(),
            new StateSource(new AttractorInitialCondition(new Lorenz96(), 10), ScalarType.Float32));
        training = new TruncatedBackpropagation<StateMemory>("bench", triple, network, data, AnalysisCosts.SquaredError(triple.Procoder),
            divergedCost: 30, new TrainingOptions(), random);
        network.train();
        for (int step = 0; step < 8; step++) Run();   // 1, 2, 4, 8 cycles, then all 16
    }

    /// <inheritdoc/>
    public void Run() => training.Step(1e-3);

    /// <inheritdoc/>
    public void Dispose()
    {
        training.Dispose();
        network.Dispose();
        random.Dispose();
    }
}

/// <summary>Lorenz-96 by its tendency alone, made of tensor operators.</summary>
internal sealed class OperatorLorenz96() : Dynamics(dimension: 40, timeStep: 0.05)
{
    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state) => (state.roll(-1, -1) - state.roll(2, -1)) * state.roll(1, -1) - state + 8;
}

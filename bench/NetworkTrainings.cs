using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

/// <summary>
/// One optimiser step of the data assimilation network that <c>./daml sample dan-lorenz95</c> trains in its quick size on Lorenz-95: two
/// cycles, memory of 240 numbers, four layers, diagonal densities, 64 trajectories; single precision.
/// </summary>
public sealed class DataAssimilationNetworkStep : IWorkload
{
    private const int Sites = 40, MemorySize = 240, Layers = 4, Trajectories = 64, Cycles = 2;

    private readonly NetworkTriple parts;
    private readonly RandomStream random;
    private readonly TruncatedBackpropagation<VectorMemory> training;

    /// <summary>Makes the networks.</summary>
    /// <param name="eager">Whether they go by TorchSharp's operators; only Adam stays DaML's, in one pass (default: false).</param>
    public DataAssimilationNetworkStep(bool eager = false)
    {
        var context = new DataAssimilationContext(seed: 3);
        random = context.Random("bench");
        var model = new Lorenz96(Sites) { ModelError = ErrorCovariance.Scalar(Sites, 0.01) };
        var observing = ObservationNetwork.Full(Sites);
        var data = context.Data.Twin(new AssimilationSystem(model, observing), new() { Batch = Trajectories });
        double[] mean = [.. Enumerable.Repeat(2.3, Sites)], deviation = [.. Enumerable.Repeat(3.7, Sites)];
        parts = new NetworkTriple(
            new(MemorySize, Layers, MissingObservations.Refused, mean, deviation, ScalarType.Float32, CPU),
            new(MemorySize, Layers, model.TimeStep, ScalarType.Float32, CPU),
            new(MemorySize, DensityForm.Diagonal, mean, deviation, ScalarType.Float32, CPU));
        ModuleState.DrawWeights(parts, random);
        if (eager) parts.Computation = NetworkComputation.Plain;
        training = new("bench", parts.Method(new ZeroMemorySource(MemorySize, ScalarType.Float32)), parts, data,
            new NetworkTripleCost(parts, new CrossEntropy()).Of,
            divergedCost: double.PositiveInfinity, new TrainingOptions { Truncation = Cycles, GradientClip = 2 }, random);
        parts.train();
    }

    /// <inheritdoc/>
    public void Run() => training.Step(1e-3);

    /// <inheritdoc/>
    public void Dispose()
    {
        training.Dispose();
        parts.Dispose();
        random.Dispose();
    }
}

/// <summary>
/// One optimiser step of the emulator that <c>./daml sample pod-lstm-4dvar</c> trains: ridge regression on four lags, corrected by a
/// recurrent network with 128 hidden values that sees the first 8 of 20 at two lags, 128 starts, five leads; single precision. The record
/// is Lorenz-96's.
/// </summary>
public sealed class EmulatorStep : IWorkload
{
    private const int Values = 20, Lags = 4;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random;
    private readonly MultiStepTraining training;

    /// <summary>Makes record and network.</summary>
    /// <param name="eager">Whether the network goes by TorchSharp's operators (default: false).</param>
    public EmulatorStep(bool eager = false)
    {
        var context = new DataAssimilationContext(seed: 3);
        random = context.Random("bench");
        var options = new AutoregressiveEmulatorOptions { Lags = 2 };
        var system = new AssimilationSystem(new Lorenz96(Values), ObservationNetwork.Full(Values));
        var data = context.Data.Twin(system, new() { Cycles = 2000 });
        var record = LaggedRecord.Read(data, Columns.Truth, Lags, options.TrainedLeads, "bench", default);
        var network = new LongShortTermMemoryNetwork(Values, 1, new() { Hidden = 128, Inputs = 8 }, ScalarType.Float32, random);
        if (eager) network.Computation = NetworkComputation.Plain;
        var baseline = zeros(Values, Lags * Values, dtype: ScalarType.Float64);
        baseline.narrow(1, 0, Values).copy_(0.9 * eye(Values, dtype: ScalarType.Float64));
        var emulator = new AutoregressiveEmulator("bench", options.Lags, 1, record.Interval, record.Deviations, network, baseline);
        training = new(new(emulator, Values, 1, Columns.Truth, new("coming")), network, record, options, random);
        scope.Detach(record.Values, record.Deviations);
    }

    /// <inheritdoc/>
    public void Run() => training.Step(1e-3);

    /// <inheritdoc/>
    public void Dispose()
    {
        training.Dispose();
        random.Dispose();
        scope.Dispose();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Benchmarks;

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

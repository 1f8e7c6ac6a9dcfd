using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Emulators of lagged values, their estimators and what stands around them keep their contracts.</summary>
public abstract class LaggedConformance : EstimatorContract
{
    protected static Column Values => Columns.Truth;
    protected static Column Forecast { get; } = new("forecast");

    protected override ITrajectoryView CreateTraining(DataAssimilationContext context)
    {
        // Three damped components, driven by noise: zero mean.
        using var matrix = tensor(new[,] { { 0.8, -0.3, 0.1 }, { 0.3, 0.7, 0 }, { 0, 0.2, 0.6 } });
        var model = new LinearDynamics(matrix, 0.5) { ModelError = ErrorCovariance.Scalar(3, 0.3) };
        using var mean = zeros(3, dtype: ScalarType.Float64);
        return context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension))
            { Initial = new GaussianInitialCondition(mean, ErrorCovariance.Scalar(3, 1)) }, new() { Batch = 2, Cycles = 70 });
    }
}

public sealed class RidgeAutoregressionConformance : LaggedConformance
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.RidgeAutoregression(Values, Forecast);
}

public sealed class DampedPersistenceConformance : LaggedConformance
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.DampedPersistence(Values, Forecast);
}

public sealed class LongShortTermMemoryConformance : LaggedConformance
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.LongShortTermMemory(Values, Forecast, new()
    {
        Lags = 3, TrainedLeads = 3, Baseline = new() { Lags = 2 },
        Training = new() { Steps = 4, LearningRate = 1e-2, BatchSize = 8, ValidationInterval = 2 },
    }, new() { Hidden = 5, Attention = WindowAttention.DotProduct });
}

public sealed class OneShotLongShortTermMemoryConformance : LaggedConformance
{
    // The network sees two values and gives three.
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.LongShortTermMemory(Values, Forecast, new()
    {
        Lags = 2, Leads = 3, TrainedLeads = 4, Training = new() { Steps = 4, LearningRate = 1e-2, BatchSize = 8, ValidationInterval = 2 },
    }, new() { Hidden = 5 });
}

public sealed class LaggedStatesConformance : TransformerContract
{
    protected override ITransformer CreateTransformer(DataAssimilationContext context) =>
        new LaggedStates(Columns.Truth, new Column("lagged"), 3);
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) => Inputs.Lorenz63(context);

    // It leaves out the first cycles, which have not enough before them.
    protected override int Cycles => 5;
}

/// <summary>The emulator as a model, in double precision, with weights that are drawn.</summary>
public abstract class AutoregressiveEmulatorConformance : DynamicsContract
{
    protected abstract (int Lags, int Leads, int BaselineLags, WindowAttention Attention) Form { get; }

    protected override IDynamics CreateDynamics()
    {
        const int r = 3;
        using var scope = NewDisposeScope();
        using var random = new RandomStream(2, "emulator", CPU);
        var (lags, leads, baselineLags, attention) = Form;
        var network = new LongShortTermMemoryNetwork(r, leads, new() { Hidden = 4, Attention = attention }, ScalarType.Float64, random);
        using (no_grad())
        {
            var output = network.get_parameter("output.weight")!;
            output.copy_(random.Normal(output.shape, ScalarType.Float64));
        }
        ModuleState.Freeze(network);
        var baseline = baselineLags == 0 ? null : 0.3 * random.Normal([leads * r, baselineLags * r], ScalarType.Float64);
        var emulator = new AutoregressiveEmulator("emulator", lags, leads, 0.5, tensor(new[] { 2.0, 1, 0.5 }), network, baseline);
        return emulator.WithModelError(ErrorCovariance.Scalar(emulator.Dimension, 0.1));
    }
}

public sealed class PlainEmulatorConformance : AutoregressiveEmulatorConformance
{
    protected override (int, int, int, WindowAttention) Form => (3, 1, 0, WindowAttention.None);
}

public sealed class ResidualEmulatorConformance : AutoregressiveEmulatorConformance
{
    protected override (int, int, int, WindowAttention) Form => (2, 1, 3, WindowAttention.None);
}

public sealed class AttentiveEmulatorConformance : AutoregressiveEmulatorConformance
{
    protected override (int, int, int, WindowAttention) Form => (4, 1, 1, WindowAttention.DotProduct);
}

public sealed class OneShotEmulatorConformance : AutoregressiveEmulatorConformance
{
    protected override (int, int, int, WindowAttention) Form => (2, 3, 2, WindowAttention.None);
}

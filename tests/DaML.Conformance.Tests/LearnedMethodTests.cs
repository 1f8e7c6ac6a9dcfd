using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Every learned method of DaML's, on Lorenz-96. Channel counts are such that no vector length divides them all.</summary>
public abstract class Lorenz96GradientContract : TrainingGradientContract
{
    protected static Lorenz96 Model { get; } = new(12);
    protected static ObservationNetwork Observing { get; } = new(SubsetObservationOperator.Strided(12, 2), ErrorCovariance.Scalar(6, 0.5),
        null);
    protected static ResidualConvolutionOptions Size { get; } = new() { Filters = 6, Blocks = 2, SubBlocks = 2, KernelSize = 3 };
    protected static StateGrid Plane { get; } = StateGrid.Plane(3, 4, columnEnds: AxisEnds.Periodic);

    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(Model, Observing) { Initial = new AttractorInitialCondition(Model, 5) },
            new() { Batch = 8 });
}

public sealed class CircleGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolution(new AssimilationSystem(Model, Observing), new() { Network = Size });
}

public sealed class PlainCircleGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolution(new AssimilationSystem(Model, Observing),
            new() { Network = Size with { Filters = 12, Computation = NetworkComputation.Plain } });
}

public sealed class LineGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolution(new AssimilationSystem(Model, Observing),
            new() { Network = Size with { Grid = StateGrid.Line } });
}

public sealed class PlaneGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolution(new AssimilationSystem(Model, Observing), new() { Network = Size with { Grid = Plane } });
}

public sealed class InnovationLinearGradient : Lorenz96GradientContract
{
    // It diverges with weights that are drawn.
    protected override long Cycles => 1;

    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.InnovationLinear(new AssimilationSystem(Model, Observing),
            new() { Network = new()
                { Network = Size with { Grid = StateGrid.Line }, Radius = LocalisationRadius.HalfWidth(2), Columns = 5 } });
}

public sealed class EnsembleGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.EnsembleConvolution(new AssimilationSystem(Model, Observing),
            new() { Members = 5, Network = Size with { Computation = NetworkComputation.Plain } });
}

public sealed class HiddenChannelGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolutionWithMemory(new AssimilationSystem(Model, Observing),
            new() { Memory = new() { Count = 3 }, Network = Size with { Grid = StateGrid.Line } });
}

/// <summary>A module of a user's: convolutions of 2, 8 and 1 channels.</summary>
public sealed class OwnLayersGradient : Lorenz96GradientContract
{
    private sealed class Layers : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d first, last;

        public Layers(RandomStream random, ScalarType precision) : base(nameof(Layers))
        {
            (first, last) = (nn.Conv2d(2, 8, 3, padding: 1, dtype: precision), nn.Conv2d(8, 1, 3, padding: 1, dtype: precision));
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor fields) => last.call(nn.functional.mish(first.call(fields)));
    }

    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.LearnedField("own layers", new AssimilationSystem(Model, Observing), Plane,
            random => new Layers(random, context.Options.NetworkPrecision));
}

public sealed class DataAssimilationNetworkGradient : Lorenz96GradientContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.DataAssimilationNetwork(Observing, Model.TimeStep, new() { MemorySize = 20, Layers = 2 });
}

/// <summary>An emulator learned through an ensemble filter, from observations alone.</summary>
public sealed class EmulatorGradient : Lorenz96GradientContract
{
    private sealed class Step : nn.Module<Tensor, Tensor>
    {
        private readonly Conv1d first, last;

        public Step(RandomStream random, ScalarType precision) : base(nameof(Step))
        {
            (first, last) = (nn.Conv1d(1, 6, 5, padding: 2, dtype: precision), nn.Conv1d(6, 1, 5, padding: 2, dtype: precision));
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor states) =>
            states + 0.1 * last.call(nn.functional.tanh(first.call(states.unsqueeze(1) / 5))).squeeze(1);
    }

    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.LearnedDynamics("emulator", Observing, Model.TimeStep,
            random => new Step(random, context.Options.NetworkPrecision), emulator =>
            context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(emulator, Observing)
                { Initial = new GaussianInitialCondition(full(12, 2.3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(12, 4)) },
                    new() { Members = 20, Inflation = Inflation.StandardDeviation(1.05) }).Triple);
}

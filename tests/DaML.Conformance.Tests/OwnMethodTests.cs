using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Our filters, other steps and estimators keep their contracts.</summary>
public sealed class KalmanFilterConformance : FilterContract
{
    protected override double SamplingTolerance => 0.05;
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.KalmanFilter(system);
}

public sealed class EnsembleTransformKalmanFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 100 });
}

public sealed class RotatedEnsembleTransformKalmanFilterConformance : FilterContract
{
    protected override bool DrawsForObservations => true;
    protected override double SamplingTolerance => 0.2;
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 30, Rotation = EnsembleRotation.MeanPreserving });
}

public sealed class StochasticEnsembleKalmanFilterConformance : FilterContract
{
    protected override bool DrawsForObservations => true;
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 200 });
}

public sealed class FiniteSizeEnsembleKalmanFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 100 });
}

public sealed class SerialSquareRootFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.SerialSquareRootFilter(system, new() { Members = 60 });
}

public sealed class DeterministicEnsembleKalmanFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.DeterministicEnsembleKalmanFilter(system, new() { Members = 100 });
}

/// <summary>With a radius that reaches everywhere, as the Kalman filter has no localisation.</summary>
public sealed class LocalEnsembleTransformKalmanFilterConformance : FilterContract
{
    protected override double SamplingTolerance => 0.2;
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.LocalEnsembleTransformKalmanFilter(system,
            new() { Members = 30,
                Localisation = new Localisation(LocalisationGeometry.Line(system.Dynamics.Dimension), LocalisationRadius.EFolding(1000)) });
}

public sealed class IterativeEnsembleKalmanFilterConformance : FilterContract
{
    protected override bool TakesModelError => false;
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.IterativeEnsembleKalmanSmoother(system, new() { Members = 60 });
}

public sealed class ParticleFilterConformance : FilterContract
{
    protected override ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system) =>
        context.Analysis.ParticleFilter(system, new() { Members = 600 });
}

public sealed class IdentityPreconditionerConformance : PreconditionerContract
{
    protected override long Dimension => 4;
    protected override IPreconditioner CreatePreconditioner() => new IdentityPreconditioner();
}

public sealed class EnsembleTransformAnalyzerConformance : AnalyzerContract<EnsembleMemory>
{
    protected override IAnalyzer<EnsembleMemory> CreateAnalyzer() =>
        new EnsembleTransformKalmanFilterAnalyzer(SubsetObservationOperator.Strided(6, 2), ErrorCovariance.Scalar(3, 0.5),
        Inflation.StandardDeviation(1.02), EnsembleRotation.MeanPreserving);
    protected override EnsembleMemory CreateForecast(RandomStream random) => new(random.Normal([2, 8, 6], ScalarType.Float64));
    protected override Observation CreateObservation(RandomStream random) => new(random.Normal([2, 3], ScalarType.Float64), null, 1);
}

public sealed class StochasticAnalyzerConformance : AnalyzerContract<EnsembleMemory>
{
    protected override IAnalyzer<EnsembleMemory> CreateAnalyzer() =>
        new StochasticEnsembleKalmanFilterAnalyzer(SubsetObservationOperator.Strided(6, 2), ErrorCovariance.Scalar(3, 0.5), Inflation.None);
    protected override EnsembleMemory CreateForecast(RandomStream random) => new(random.Normal([2, 8, 6], ScalarType.Float64));
    protected override Observation CreateObservation(RandomStream random) =>
        new(random.Normal([2, 3], ScalarType.Float64), random.Uniform([2, 3], ScalarType.Float64) > 0.4, 1);
}

public sealed class KalmanAnalyzerConformance : AnalyzerContract<GaussianMemory>
{
    protected override IAnalyzer<GaussianMemory> CreateAnalyzer() =>
        new KalmanFilterAnalyzer(SubsetObservationOperator.Strided(4, 2), ErrorCovariance.Scalar(2, 0.5), Inflation.None);
    protected override GaussianMemory CreateForecast(RandomStream random)
    {
        var factor = random.Normal([2, 4, 4], ScalarType.Float64);
        return new(random.Normal([2, 4], ScalarType.Float64), factor.matmul(factor.mT) + eye(4, dtype: ScalarType.Float64));
    }
    protected override Observation CreateObservation(RandomStream random) => new(random.Normal([2, 2], ScalarType.Float64), null, 1);
}

public sealed class ForecastConformance : TransformerContract
{
    protected override ITransformer CreateTransformer(DataAssimilationContext context) =>
        new LeadTimeForecast(new Lorenz63(), Columns.Truth, new Column("in-two-cycles"), 2);
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) => Inputs.Lorenz63(context);

    // It leaves out the first cycles, for which there is no forecast.
    protected override int Cycles => 5;
}

public sealed class FieldObservationConformance : TransformerContract
{
    protected override ITransformer CreateTransformer(DataAssimilationContext context) =>
        new FieldObservation(context, ObservationNetwork.Random(8), Columns.Truth);
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)) { Initial = Inputs.Normal(8) },
            new() { Batch = 2 });
}

public sealed class JointEstimationConformance : TransformerContract
{
    protected override ITransformer CreateTransformer(DataAssimilationContext context) => context.Analysis.JointEstimation(
        new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3)) { Initial = Inputs.Normal(3) },
        new() { Parameters = [new EstimatedParameter("rho", 28, 1)], Filter = new EnsembleTransformKalmanFilter { Members = 6 } });
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) => Inputs.Lorenz63(context);
}

public sealed class FourDimensionalVariationalConformance : TransformerContract
{
    protected override int Cycles => 4;
    protected override ITransformer CreateTransformer(DataAssimilationContext context) =>
        context.Analysis.FourDimensionalVariational(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3))
            { Initial = Inputs.Normal(3) },
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(3, 1)), Window = WindowCycling.Disjoint(2) });
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) => Inputs.Lorenz63(context);
}

public sealed class LearnedAnalysisConformance : EstimatorContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ResidualConvolution(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)),
            new() { Network = new() { Filters = 4, Blocks = 1, SubBlocks = 1 },
                Training = new() { Steps = 3, Truncation = 2, WarmUpSteps = 1, ValidationBurnIn = 5, ValidationCycles = 10 } });
    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)) { Initial = Inputs.Normal(8) },
            new() { Batch = 2, Cycles = 30 });
}

public sealed class SeasonalCycleConformance : EstimatorContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.SeasonalCycle(Columns.Truth, new Column("anomaly"));
    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new LinearAdvection(6, timeStep: 10), ObservationNetwork.Full(6)) { Interval = 10 },
            new() { Cycles = 120 });
}

public sealed class LinearInverseModelConformance : EstimatorContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.LinearInverseModel(Columns.Truth, new Column("next"));
    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3)) { Initial = Inputs.Normal(3) },
            new() { Cycles = 60 });
}

public sealed class ThreeDimensionalVariationalConformance : EstimatorContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Analysis.ThreeDimensionalVariational(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)),
            new() { Background = new ClimatologicalBackground { ClimatologyCycles = 50, TuningCycles = 20, TuningBurnIn = 10 } });
    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)), new() { Batch = 4, Cycles = 60 });
}

public sealed class ProperOrthogonalDecompositionConformance : EstimatorContract
{
    protected override IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context) =>
        context.Transforms.ProperOrthogonalDecomposition(Columns.Truth, new Column("coefficients"), 3);
    protected override ITrajectoryView CreateTraining(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8)) { Initial = Inputs.Normal(8) },
            new() { Batch = 2, Cycles = 30 });
}

/// <summary>Short inputs that need no spin-up.</summary>
internal static class Inputs
{
    public static GaussianInitialCondition Normal(long dimension)
    {
        using var mean = ones(dimension, dtype: ScalarType.Float64);
        return new(mean, ErrorCovariance.Scalar(dimension, 1));
    }

    public static ITrajectoryView Lorenz63(DataAssimilationContext context) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3)) { Initial = Normal(3) }, new() { Batch = 2 });
}

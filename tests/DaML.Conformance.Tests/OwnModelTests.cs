using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Our models, operators and error covariances keep their contracts.</summary>
public sealed class Lorenz63Conformance : ParametricDynamicsContract
{
    protected override IParametricDynamics CreateParametricDynamics() => new Lorenz63 { ModelError = ErrorCovariance.Scalar(3, 0.1) };
}

public sealed class Lorenz84Conformance : ParametricDynamicsContract
{
    protected override IParametricDynamics CreateParametricDynamics() => new Lorenz84();
}

public sealed class Lorenz96Conformance : ParametricDynamicsContract
{
    protected override IParametricDynamics CreateParametricDynamics() => new Lorenz96();
}

public sealed class TwoScaleLorenz96Conformance : ParametricDynamicsContract
{
    protected override IParametricDynamics CreateParametricDynamics() => new TwoScaleLorenz96(5, 4);
    protected override IInitialCondition? CreateStates(IDynamics dynamics) => null;
}

public sealed class KuramotoSivashinskyConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() => new KuramotoSivashinsky(32, 22);
}

public sealed class LinearAdvectionConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() => new LinearAdvection(20, 3, 0.98);
}

public sealed class LinearDynamicsConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics()
    {
        using var matrix = tensor(new[,] { { 0.9, 0.2 }, { -0.3, 0.8 } });
        return new LinearDynamics(matrix) { ModelError = ErrorCovariance.Scalar(2, 0.5) };
    }
}

public sealed class JointDynamicsConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() =>
        new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 28, 1) { Evolution = ParameterEvolution.RandomWalk(0.1) });
}

public sealed class SubsetOperatorConformance : ObservationOperatorContract
{
    protected override IObservationOperator CreateOperator() => SubsetObservationOperator.Strided(7, 3);
}

public sealed class CubeOperatorConformance : ObservationOperatorContract
{
    protected override IObservationOperator CreateOperator() =>
        SubsetObservationOperator.Strided(8, 2).Then(new ElementwiseObservationOperator(4, ObservationFunction.Cube));
}

public sealed class IdentityOperatorConformance : ObservationOperatorContract
{
    protected override IObservationOperator CreateOperator() => new IdentityObservationOperator(4);
}

public sealed class ScalarErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance() => ErrorCovariance.Scalar(4, 0.3);
}

public sealed class DiagonalErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance() => ErrorCovariance.Diagonal(0.3, 2, 1e-3);
}

public sealed class FullErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance()
    {
        using var matrix = tensor(new[,] { { 2, 0.5, 0.1 }, { 0.5, 1, -0.3 }, { 0.1, -0.3, 0.7 } });
        return ErrorCovariance.Full(matrix);
    }
}

public sealed class JointErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance()
    {
        using var matrix = tensor(new[,] { { 2, 0.5, 0.1 }, { 0.5, 1, -0.3 }, { 0.1, -0.3, 0.7 } });
        return new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 28, 2), new EstimatedParameter("beta", 2, 0.1))
            .Lift(new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Full(matrix))).Covariance;
    }
}

public sealed class ShallowWaterConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() =>
        new ShallowWater(new ShallowWaterOptions { CellsX = 9, CellsY = 7, WindStress = 0.05, InitialHeight = 5, SpinUpTime = 36000 });
}

public sealed class PeriodicShallowWaterConformance : DynamicsContract
{
    protected override IDynamics CreateDynamics() =>
        new ShallowWater(new ShallowWaterOptions
            { CellsX = 8, CellsY = 6, PeriodicX = true, PeriodicY = true, Beta = 0, InitialHeight = 5 })
    {
        ModelError = ErrorCovariance.Scalar(3 * 8 * 6, 0.01),
    };
}

public sealed class BlockErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance() =>
        ErrorCovariance.Blocks(ErrorCovariance.Scalar(2, 0.3), ErrorCovariance.Diagonal(2, 1e-3),
            ErrorCovariance.Diffusion(new() { Columns = 3, CorrelationLength = 1 }));
}

public sealed class DiffusionErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance() =>
        ErrorCovariance.Diffusion(new()
            { Columns = 4, Rows = 3, CorrelationLength = 1.2, Steps = 3, BoundaryX = DiffusionBoundary.Zero, Variance = 2 });
}

public sealed class HybridErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance()
    {
        using var random = new RandomStream(1, "members", CPU);
        using var members = random.Normal([4, 6], ScalarType.Float64);
        return ErrorCovariance.Hybrid(members, ErrorCovariance.Diffusion(new() { Columns = 6, CorrelationLength = 1 }), 0.7);
    }
}

public sealed class SingularErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance()
    {
        using var matrix = tensor(new[,] { { 0.25, 0.5 }, { 0.5, 1 } });
        return ErrorCovariance.Blocks(ErrorCovariance.Full(matrix), ErrorCovariance.Diagonal(1, 0), ErrorCovariance.Scalar(1, 2));
    }
}

public sealed class EnsembleErrorConformance : ErrorCovarianceContract
{
    protected override IErrorCovariance CreateCovariance()
    {
        using var random = new RandomStream(1, "members", CPU);
        using var members = random.Normal([4, 6], ScalarType.Float64);
        return ErrorCovariance.Hybrid(members, ErrorCovariance.Scalar(6, 1), 1);
    }
}

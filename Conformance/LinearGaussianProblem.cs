using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A linear-Gaussian system of three components of which two are observed, for which the Kalman filter is exact.</summary>
internal sealed class LinearGaussianProblem
{
    public const long Dimension = 3;

    public LinearGaussianProblem(DataAssimilationContext context, bool modelError, IObservationPattern? pattern = null)
    {
        using var scope = NewDisposeScope();
        // A damped rotation, with an error of correlated components.
        var matrix = tensor(new[,] { { 0.85, -0.4, 0.1 }, { 0.4, 0.85, -0.2 }, { 0.0, 0.2, 0.9 } });
        var error = tensor(new[,] { { 0.3, 0.1, 0.0 }, { 0.1, 0.2, 0.05 }, { 0.0, 0.05, 0.25 } });
        var dynamics = new LinearDynamics(matrix) { ModelError = modelError ? ErrorCovariance.Full(error) : null };
        Operator = new SubsetObservationOperator(Dimension, 0, 2);
        Variances = [0.8, 0.4];
        System = new AssimilationSystem(dynamics, new ObservationNetwork(Operator, ErrorCovariance.Diagonal(Variances), pattern))
        {
            Initial = new GaussianInitialCondition(tensor(new[] { 1.0, -2.0, 3.0 }), ErrorCovariance.Scalar(Dimension, 1.5)),
        };
    }

    public AssimilationSystem System { get; }
    public SubsetObservationOperator Operator { get; }
    public double[] Variances { get; }

    public ITrajectoryView Data(DataAssimilationContext context, long batch, long? cycles) =>
        context.Data.Twin(System, new() { Batch = batch, Cycles = cycles, Stream = "conformance" });
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A linear model, x(t + h) = M x(t). With a <see cref="DiscreteDynamics.ModelError"/> it is the linear-Gaussian system for which the
/// Kalman filter is exact.
/// </summary>
[Component("linear-dynamics")]
public sealed class LinearDynamics : DiscreteDynamics
{
    private readonly ConstantTensor matrix;

    /// <summary>Creates a linear model.</summary>
    /// <param name="matrix">M, <c>[n, n]</c>, finite; it is copied.</param>
    /// <param name="timeStep">The length of a step in the model's unit of time.</param>
    /// <exception cref="ArgumentException">The matrix is not square, or not finite.</exception>
    public LinearDynamics(Tensor matrix, double timeStep = 1) : base(SquareSize(matrix), timeStep) =>
        this.matrix = new ConstantTensor(Require.Finite(matrix, "The matrix of a linear model"));

    /// <summary>Persistence, x(t + h) = x(t): a baseline, and a substitute for the model of data that have none.</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="timeStep">The length of a step in the model's unit of time.</param>
    public static LinearDynamics Persistence(long dimension, double timeStep = 1)
    {
        using var identity = eye(dimension, dtype: ScalarType.Float64);
        return new LinearDynamics(identity, timeStep);
    }

    /// <inheritdoc/>
    public override string Name => "linear model";

    /// <summary>M, <c>[n, n]</c>; it belongs to the model.</summary>
    public Tensor Matrix => matrix.Value;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time) => matmul(state, matrix.Like(state).mT);

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        (Step(state, time), Step(perturbation, time));

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) => matmul(sensitivity, matrix.Like(sensitivity));

    private static long SquareSize(Tensor matrix) =>
        matrix.ndim == 2 && matrix.size(0) == matrix.size(1) && matrix.is_floating_point() ? matrix.size(0)
        : throw new ArgumentException(
            $"The matrix of a linear model must be square and in single or double precision; given: " +
                $"{matrix.DescribeSizes()}, {matrix.dtype}.", nameof(matrix));
}

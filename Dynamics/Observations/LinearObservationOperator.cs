using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>A linear observation operator given by its matrix, y = H x.</summary>
[Component("linear-observation-operator")]
public sealed class LinearObservationOperator : ObservationOperator
{
    private readonly ConstantTensor matrix;

    /// <summary>Creates an operator.</summary>
    /// <param name="matrix">H, <c>[p, n]</c>, finite; it is copied.</param>
    /// <exception cref="ArgumentException">The tensor is not a matrix in single or double precision, or is not finite.</exception>
    public LinearObservationOperator(Tensor matrix) : base(Check(matrix).size(1), matrix.size(0)) =>
        this.matrix = new ConstantTensor(matrix);

    /// <inheritdoc/>
    public override string Name => $"linear observation ({ObservationDimension} of {StateDimension})";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    /// <summary>H, <c>[p, n]</c>; it belongs to the operator.</summary>
    public Tensor Matrix => matrix.Value;

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => matmul(state, matrix.Like(state).mT);

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) => Observe(perturbation);

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) => matmul(sensitivity, matrix.Like(sensitivity));

    private static Tensor Check(Tensor matrix) => matrix.ndim == 2 && matrix.is_floating_point()
        ? Require.Finite(matrix, "The matrix of an observation operator")
        : throw new ArgumentException(
            $"The matrix of an observation operator must be [p, n] in single or double precision; given: " +
                $"{matrix.DescribeSizes()}, {matrix.dtype}.", nameof(matrix));
}

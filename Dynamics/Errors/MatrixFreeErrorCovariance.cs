using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An error covariance that is applied without its matrix. Only a mask needs the matrix, because the inverse of a part of R is not a part
/// of its inverse. The first masked product makes the matrix, <c>[p, p]</c> numbers.
/// </summary>
public abstract class MatrixFreeErrorCovariance : ErrorCovariance
{
    private readonly Lazy<FullErrorCovariance> dense;

    private protected MatrixFreeErrorCovariance(long dimension) : base(dimension) => dense = new(() =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Full(ToMatrix(ScalarType.Float64, CPU));
    });

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var rows = Factor(eye(Dimension, dtype: ScalarType.Float64, device: device)); // L e_i
        var matrix = rows.mT.matmul(rows);
        return (0.5 * (matrix + matrix.mT)).to_type(dtype).MoveToOuterDisposeScope();
    }

    /// <summary>R^-1 v.</summary>
    private protected abstract Tensor Inverse(Tensor vector);

    /// <summary>L^-1 v.</summary>
    private protected abstract Tensor InverseFactor(Tensor vector);

    private protected sealed override Tensor Inverse(Tensor vector, Tensor? mask) =>
        mask is null ? Inverse(vector) : dense.Value.ApplyInverse(vector, mask);

    private protected sealed override Tensor InverseFactor(Tensor vector, Tensor? mask) =>
        mask is null ? InverseFactor(vector) : dense.Value.Whiten(vector, mask);
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Products with a few vectors kept as rows <c>[batch, k, m]</c>; a batch of one serves any batch.</summary>
internal static class RowProducts
{
    /// <summary>Z v, <c>[batch, k]</c>.</summary>
    public static Tensor Coordinates(Tensor rows, Tensor vector) =>
        rows.size(0) == 1 ? vector.matmul(rows[0].mT) : rows.matmul(vector.unsqueeze(-1)).squeeze(-1);

    /// <summary>Z^T c, <c>[batch, m]</c>.</summary>
    public static Tensor Combined(Tensor coordinates, Tensor rows) =>
        rows.size(0) == 1 ? coordinates.matmul(rows[0]) : coordinates.unsqueeze(-2).matmul(rows).squeeze(-2);

    /// <summary>The sum over k of weight z z^T v.</summary>
    public static Tensor Along(Tensor rows, Tensor weights, Tensor vector) => Combined(weights * Coordinates(rows, vector), rows);

    /// <summary>
    /// The matrix T that makes rows orthonormal as T rows, symmetric except for the rows' lengths (Loewdin); unknown rows stay zero.
    /// </summary>
    /// <param name="rows">Linearly independent where known, zero otherwise, <c>[batch, k, m]</c>.</param>
    /// <param name="known"><c>[batch, k]</c></param>
    /// <returns><c>[batch, k, k]</c></returns>
    /// <exception cref="ArgumentException">The rows are linearly dependent.</exception>
    public static Tensor Orthonormal(Tensor rows, Tensor known)
    {
        var lengths = rows.square().sum([-1], keepdim: true).sqrt();
        var scale = lengths.reciprocal().masked_fill(lengths == 0, 1);
        var unit = rows * scale;
        var (values, vectors) = SymmetricEigenproblem.Solve(unit.matmul(unit.mT) + known.logical_not().to_type(rows.dtype).diag_embed());
        double smallest = values.min().ToDouble(), needed = rows.dtype == ScalarType.Float64 ? 1e-10 : 1e-4;
        if (!(smallest > needed))
            throw new ArgumentException($"The {rows.size(1)} vectors of a subspace must be linearly independent: the smallest " +
                $"eigenvalue of their Gram matrix, with lengths of one, is {smallest:g3}; more than {needed:g1} is needed. Give fewer " +
                "vectors, or others.");
        return (vectors * values.rsqrt().unsqueeze(-2)).matmul(vectors.mT) * scale.mT;
    }

    /// <summary>
    /// Orthonormal rows with the span of rows that may be linearly dependent: the principal directions of these rows, scaled to unit
    /// length, that exceed round-off by enough for the result to be orthonormal to ten digits (four in single precision).
    /// </summary>
    /// <param name="rows">The rows, zero where unknown, <c>[batch, k, m]</c>.</param>
    /// <returns>Rows of the same shape, zero where unknown, and the known places, <c>[batch, k]</c>.</returns>
    public static (Tensor Rows, Tensor Known) Span(Tensor rows)
    {
        var lengths = rows.square().sum([-1], keepdim: true).sqrt();
        var unit = rows * lengths.reciprocal().masked_fill(lengths == 0, 1);
        var (values, vectors) = SymmetricEigenproblem.Solve(unit.matmul(unit.mT));
        var known = values > (rows.dtype == ScalarType.Float64 ? 1e-6 : 1e-3);
        var scale = values.rsqrt().where(known, zeros_like(values));
        return ((vectors * scale.unsqueeze(-2)).mT.matmul(unit), known);
    }

    /// <summary>The Rayleigh-Ritz method: A on the span of orthonormal rows.</summary>
    /// <param name="basis">Orthonormal rows, zero where unknown, <c>[batch, k, m]</c>.</param>
    /// <param name="products">A applied to them.</param>
    /// <param name="known">The rows that are known, <c>[batch, k]</c>.</param>
    /// <returns>The Ritz values from the largest, the Ritz vectors as rows, and A applied to those.</returns>
    /// <exception cref="ArithmeticException">A is not positive definite on the span.</exception>
    public static (Tensor Values, Tensor Vectors, Tensor Products) RayleighRitz(Tensor basis, Tensor products, Tensor known)
    {
        var small = products.matmul(basis.mT);
        small = 0.5 * (small + small.mT);
        // A place without a row gets a value above all others, so that it is sorted first and is not the smallest.
        var above = 2 * small.square().sum([-1, -2], keepdim: true).sqrt().squeeze(-1) + 1;
        var (ascending, rotation) = SymmetricEigenproblem.Solve(small + above.where(known.logical_not(), zeros_like(above)).diag_embed());
        double smallest = ascending.min().ToDouble();
        if (!(smallest > 0))
            throw new ArithmeticException($"The Hessian must be positive definite, but " +
                $"on a subspace its smallest eigenvalue is {smallest:g6}.");
        var rows = rotation.mT.flip(-2);
        return (ascending.flip(-1), rows.matmul(basis), rows.matmul(products));
    }
}

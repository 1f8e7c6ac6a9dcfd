using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The quadratic cost that an inner loop minimises, q(v) = c - b^T v + 1/2 v^T A v with a symmetric positive definite A that is known by
/// its products; the minimum solves A v = b.
/// </summary>
/// <param name="HessianProduct">A v; the result is the caller's.</param>
/// <param name="RightSide">b, minus the gradient at zero, <c>[batch, m]</c></param>
/// <param name="AtZero">c, <c>[batch]</c></param>
public sealed record QuadraticCost(Func<ControlVector, ControlVector> HessianProduct, ControlVector RightSide, Tensor AtZero) : IDisposable
{
    /// <summary>
    /// An object that the products need and that has no other owner, for instance a linearised model (default: none). Copies of the
    /// record share it.
    /// </summary>
    public IDisposable? Linearisation { get; init; }

    /// <summary>
    /// A Z for several vectors at once, <c>[batch, k, m]</c> to the same shape; the result is the caller's (default: null, one by one).
    /// </summary>
    public Func<Tensor, Tensor>? BlockProduct { get; init; }

    /// <summary>Computes A Z, at once if <see cref="BlockProduct"/> is given, otherwise one by one.</summary>
    /// <param name="vectors">Z, <c>[batch, k, m]</c></param>
    /// <returns>The same shape.</returns>
    /// <exception cref="ArgumentException">A product differs in shape from its vector.</exception>
    public Tensor HessianProducts(Tensor vectors)
    {
        Require.Shape(vectors, "The vectors of a block product", RightSide.Values.size(0), ColumnDefinition.AnySize,
            RightSide.Values.size(1));
        using var scope = NewDisposeScope();
        if (BlockProduct is not null)
            return Require.Shape(BlockProduct(vectors), "The block product of the Hessian", vectors.Sizes()).MoveToOuterDisposeScope();
        var result = empty_like(vectors);
        for (long i = 0; i < vectors.size(1); i++)
        {
            using var inner = NewDisposeScope();
            var vector = vectors.select(1, i);
            result.select(1, i).copy_(KrylovNumbers.Product(HessianProduct(new(vector)), vector, "the Hessian"));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>The same cost in u with v = L u: (L^T A L) u = L^T b, whose matrix has the spectrum of P A with P = L L^T.</summary>
    /// <param name="preconditioner">P, which must live as long as the products are used.</param>
    public QuadraticCost Split(ISplitPreconditioner preconditioner) => new(
        vector =>
        {
            using var scope = NewDisposeScope();
            var product = preconditioner.ApplyFactorTranspose(HessianProduct(preconditioner.ApplyFactor(vector)));
            return new(product.Values.MoveToOuterDisposeScope());
        },
        preconditioner.ApplyFactorTranspose(RightSide), AtZero);

    /// <summary>Releases <see cref="Linearisation"/>; after that there are no products.</summary>
    public void Dispose() => Linearisation?.Dispose();
}

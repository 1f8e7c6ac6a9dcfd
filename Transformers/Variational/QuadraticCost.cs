using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// What an inner loop minimises, q(v) = c - b^T v + 1/2 v^T A v with a symmetric positive definite A that is known by its
/// products; the minimum solves A v = b.
/// </summary>
/// <param name="HessianProduct">A v; the result is the caller's.</param>
/// <param name="RightSide">b, minus the gradient at zero, <c>[batch, m]</c></param>
/// <param name="AtZero">c, <c>[batch]</c></param>
public sealed record QuadraticCost(Func<ControlVector, ControlVector> HessianProduct, ControlVector RightSide, Tensor AtZero)
{
    /// <summary>The same in u with v = L u: (L^T A L) u = L^T b, whose matrix has the spectrum of P A with P = L L^T.</summary>
    /// <param name="preconditioner">P, which must live as long as the products are used.</param>
    public QuadraticCost Split(ISplitPreconditioner preconditioner) => new(
        vector =>
        {
            using var scope = NewDisposeScope();
            var product = preconditioner.ApplyFactorTranspose(HessianProduct(preconditioner.ApplyFactor(vector)));
            return new(product.Values.MoveToOuterDisposeScope());
        },
        preconditioner.ApplyFactorTranspose(RightSide), AtZero);
}

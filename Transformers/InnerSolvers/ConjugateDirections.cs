using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The search directions p of conjugate gradients, one for each iteration, and A p. These are curvature pairs of the Hessian itself,
/// whatever the preconditioner of the solve.
/// </summary>
/// <param name="Directions">p, conjugate in A, <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Products">A p, <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Known">The places that hold a pair, boolean <c>[batch, k]</c>.</param>
public sealed record ConjugateDirections(Tensor Directions, Tensor Products, Tensor Known)
{
    internal ConjugateDirections MoveToOuterDisposeScope() =>
        new(Directions.MoveToOuterDisposeScope(), Products.MoveToOuterDisposeScope(), Known.MoveToOuterDisposeScope());
}

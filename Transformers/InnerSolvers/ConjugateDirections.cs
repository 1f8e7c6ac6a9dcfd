using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The directions p that conjugate gradients went along, one for each iteration, and A p: curvature pairs of the Hessian itself,
/// whatever the solve was preconditioned with.
/// </summary>
/// <param name="Directions">p, conjugate in A, <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Products">A p, <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Known">Which places hold a pair, boolean <c>[batch, k]</c>.</param>
public sealed record ConjugateDirections(Tensor Directions, Tensor Products, Tensor Known)
{
    internal ConjugateDirections MoveToOuterDisposeScope() =>
        new(Directions.MoveToOuterDisposeScope(), Products.MoveToOuterDisposeScope(), Known.MoveToOuterDisposeScope());
}

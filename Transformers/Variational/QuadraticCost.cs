using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// What an inner loop minimises, q(v) = c - b^T v + 1/2 v^T A v with a symmetric positive definite A that is known by its
/// products; the minimum solves A v = b.
/// </summary>
/// <param name="HessianProduct">A v; the result is the caller's.</param>
/// <param name="RightSide">b, minus the gradient at zero, <c>[batch, m]</c></param>
/// <param name="AtZero">c, <c>[batch]</c></param>
public sealed record QuadraticCost(Func<ControlVector, ControlVector> HessianProduct, ControlVector RightSide, Tensor AtZero);

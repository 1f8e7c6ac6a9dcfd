using System.Numerics;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The derivative of a number with respect to a state: the gradient of a cost, as an adjoint propagates it backwards. It pairs with an
/// increment but is not one; a covariance turns it into one (dx = B g).
/// </summary>
/// <param name="Values"><c>[batch, n]</c></param>
public readonly record struct Sensitivity(Tensor Values) : IAdditionOperators<Sensitivity, Sensitivity, Sensitivity>
{
    /// <summary>The sum.</summary>
    public static Sensitivity operator +(Sensitivity a, Sensitivity b) => new(a.Values + b.Values);

    /// <summary>The difference.</summary>
    public static Sensitivity operator -(Sensitivity a, Sensitivity b) => new(a.Values - b.Values);

    /// <summary>The opposite.</summary>
    public static Sensitivity operator -(Sensitivity a) => new(-a.Values);

    /// <summary>A multiple.</summary>
    public static Sensitivity operator *(double factor, Sensitivity a) => new(factor * a.Values);

    /// <summary>The first-order change of the number for an increment: g^T dx, <c>[batch]</c>.</summary>
    public Tensor Along(Increment increment)
    {
        using var products = Values * increment.Values;
        return products.sum(-1);
    }
}

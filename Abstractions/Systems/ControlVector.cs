using System.Numerics;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The control vector v of a minimisation, which determines the increments (dx = B^(1/2) v). Its space is Euclidean, so gradients are
/// vectors of the same kind.
/// </summary>
/// <param name="Values"><c>[batch, m]</c></param>
public readonly record struct ControlVector(Tensor Values) : IAdditionOperators<ControlVector, ControlVector, ControlVector>
{
    /// <summary>The sum.</summary>
    public static ControlVector operator +(ControlVector a, ControlVector b) => new(a.Values + b.Values);

    /// <summary>The difference.</summary>
    public static ControlVector operator -(ControlVector a, ControlVector b) => new(a.Values - b.Values);

    /// <summary>The opposite vector.</summary>
    public static ControlVector operator -(ControlVector a) => new(-a.Values);

    /// <summary>A multiple.</summary>
    public static ControlVector operator *(double factor, ControlVector a) => new(factor * a.Values);

    /// <summary>The inner product, <c>[batch]</c>.</summary>
    public Tensor Dot(ControlVector other)
    {
        using var products = Values * other.Values;
        return products.sum(-1);
    }
}

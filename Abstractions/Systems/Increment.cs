using System.Numerics;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A difference of states, dx. Increments form a vector space; their lengths are measured by a covariance, so they have no inner product
/// by themselves.
/// </summary>
/// <param name="Values"><c>[batch, n]</c></param>
public readonly record struct Increment(Tensor Values) : IAdditionOperators<Increment, Increment, Increment>
{
    /// <summary>The sum.</summary>
    public static Increment operator +(Increment a, Increment b) => new(a.Values + b.Values);

    /// <summary>The difference.</summary>
    public static Increment operator -(Increment a, Increment b) => new(a.Values - b.Values);

    /// <summary>The opposite increment.</summary>
    public static Increment operator -(Increment a) => new(-a.Values);

    /// <summary>A multiple.</summary>
    public static Increment operator *(double factor, Increment a) => new(factor * a.Values);
}

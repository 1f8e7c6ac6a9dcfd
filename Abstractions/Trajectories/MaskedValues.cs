using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Handles values that a mask calls missing: in the input they may be anything, NaN included; from then on they are zero.
/// </summary>
public static class MaskedValues
{
    /// <summary>Sets missing values to zero; returns the same tensor if all of its values are finite.</summary>
    /// <param name="values">Any shape.</param>
    /// <param name="mask">The same shape, boolean, true = observed; null = all observed.</param>
    /// <returns>Values that are finite wherever the mask says missing; the others are unchanged.</returns>
    public static Tensor Cleared(Tensor values, Tensor? mask)
    {
        if (mask is null || mask.dtype != ScalarType.Bool || !mask.HasSizesOf(values) || FiniteNumbers.All(values)) return values;
        using var scope = NewDisposeScope();
        return where(mask, values, zeros_like(values)).MoveToOuterDisposeScope();
    }

    /// <summary>An observation whose missing values are finite.</summary>
    public static Observation Cleared(Observation observation) =>
        observation with { Values = Cleared(observation.Values, observation.Mask) };
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Values under a mask that calls them missing: they may be anything, NaN included, where they come in, and are zero from then
/// on.</summary>
public static class MaskedValues
{
    /// <summary>The values, zero where they are missing; the same tensor where all of them are finite.</summary>
    /// <param name="values">Any shape.</param>
    /// <param name="mask">The same shape, boolean, true = observed; null = all observed.</param>
    /// <returns>Numbers that are finite wherever the mask says missing; others stay as they are.</returns>
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

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The sizes of tensors without the cost of TorchSharp's <c>shape</c>. That property goes through a callback from native code, which
/// costs as much as a small operator; the sizes are read in every cycle and therefore one by one.
/// </summary>
public static class TensorSizes
{
    /// <summary>The sizes of a tensor, the same as its <c>shape</c>.</summary>
    /// <param name="tensor">The tensor.</param>
    public static long[] Sizes(this Tensor tensor)
    {
        var sizes = new long[tensor.ndim];
        for (int i = 0; i < sizes.Length; i++) sizes[i] = tensor.size(i);
        return sizes;
    }

    /// <summary>Writes a tensor's sizes for a message, <c>[40]</c>.</summary>
    /// <param name="tensor">The tensor.</param>
    public static string DescribeSizes(this Tensor tensor) => ColumnDefinition.Describe(tensor.Sizes());

    /// <summary>Whether two tensors have the same sizes.</summary>
    /// <param name="tensor">The first tensor.</param>
    /// <param name="other">The second tensor.</param>
    public static bool HasSizesOf(this Tensor tensor, Tensor other)
    {
        int dimensions = (int)tensor.ndim;
        bool same = other.ndim == dimensions;
        for (int i = 0; same && i < dimensions; i++) same = tensor.size(i) == other.size(i);
        return same;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Whether tensors hold numbers, asked of every state in every cycle and so without an operator where the processor holds the tensor.</summary>
public static class FiniteNumbers
{
    /// <summary>Whether a tensor has neither infinities nor NaNs.</summary>
    public static bool All(Tensor tensor)
    {
        if (tensor.device_type == DeviceType.CPU && tensor.is_contiguous() && tensor.numel() is > 0 and < int.MaxValue / sizeof(double))
        {
            if (tensor.dtype == ScalarType.Float64) return All(MemoryMarshal.Cast<byte, double>(tensor.bytes));
            if (tensor.dtype == ScalarType.Float32) return All(MemoryMarshal.Cast<byte, float>(tensor.bytes));
        }
        using var scope = NewDisposeScope();
        // A sum is finite only if all of its terms are; that of large numbers may be infinite all the same.
        return double.IsFinite(tensor.sum().ToDouble()) || tensor.isfinite().all().ToBoolean();
    }

    // x - x is zero, or NaN where x is infinite or NaN.
    private static bool All<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        var bad = Vector<T>.Zero;
        foreach (var vector in vectors) bad += vector - vector;
        var rest = T.Zero;
        foreach (var value in values[(vectors.Length * Vector<T>.Count)..]) rest += value - value;
        return T.IsFinite(rest) && Vector.EqualsAll(bad, Vector<T>.Zero);
    }
}

using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Reads the elements of tensors in one piece; TorchSharp's accessor goes from element to element.</summary>
public static class TensorNumbers
{
    /// <summary>A copy of a tensor's elements, the last index running fastest.</summary>
    /// <typeparam name="T">The type of its elements.</typeparam>
    /// <param name="tensor">The tensor, on any device, of at most 2 GB.</param>
    /// <exception cref="ArgumentException">Its elements are of another type.</exception>
    public static T[] ToArray<T>(this Tensor tensor) where T : unmanaged
    {
        ScalarType? type = default(T) switch
        {
            double => ScalarType.Float64, float => ScalarType.Float32, long => ScalarType.Int64, int => ScalarType.Int32, byte => ScalarType.Byte, bool => ScalarType.Bool,
            _ => null,
        };
        if (tensor.dtype != type) throw new ArgumentException($"The elements of the tensor must be {typeof(T).Name} to be read as such; given: {tensor.dtype}.", nameof(tensor));
        using var here = tensor.cpu();
        using var contiguous = here.contiguous();
        return MemoryMarshal.Cast<byte, T>(contiguous.bytes).ToArray();
    }
}

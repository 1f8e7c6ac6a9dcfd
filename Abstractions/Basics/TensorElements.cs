using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Reads the elements of a tensor into an array in one piece; TorchSharp's accessor reads them one by one.</summary>
public static class TensorElements
{
    /// <summary>
    /// Copies a tensor's elements, in row-major order. A tensor without elements gives an empty array; TorchSharp's accessor refuses it.
    /// </summary>
    /// <typeparam name="T">The type of the elements, that of the tensor.</typeparam>
    /// <param name="tensor">A tensor of any shape, on any device.</param>
    /// <returns>An array of as many elements as the tensor has.</returns>
    /// <exception cref="ArgumentException">The tensor's elements have another type.</exception>
    public static T[] ToArray<T>(this Tensor tensor) where T : unmanaged
    {
        if (tensor.dtype != TypeOf<T>())
            throw new ArgumentException(
                $"The tensor has elements of type {tensor.dtype}; {typeof(T).Name} was requested. Convert it with 'to' first.",
                nameof(tensor));
        if (tensor.numel() == 0) return [];
        using var detached = tensor.detach();
        using var here = detached.cpu();
        using var contiguous = here.contiguous();
        return MemoryMarshal.Cast<byte, T>(contiguous.bytes).ToArray();
    }

    private static ScalarType TypeOf<T>() => Type.GetTypeCode(typeof(T)) switch
    {
        TypeCode.Double => ScalarType.Float64,
        TypeCode.Single => ScalarType.Float32,
        TypeCode.Int64 => ScalarType.Int64,
        TypeCode.Int32 => ScalarType.Int32,
        TypeCode.Byte => ScalarType.Byte,
        TypeCode.Boolean => ScalarType.Bool,
        _ => throw new ArgumentException(
            $"A tensor gives arrays of double, float, long, int, byte and bool; {typeof(T).Name} was asked for."),
    };
}

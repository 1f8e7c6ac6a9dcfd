using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Parameters and their gradients as plain memory.</summary>
internal static class GradientMemory
{
    /// <summary>
    /// Whether a parameter and its gradient, if it has one, are contiguous in the CPU's memory in single or double precision.
    /// </summary>
    public static bool Serves(Parameter parameter, Tensor? gradient) =>
        Serves(parameter) && (gradient is null || (Serves(gradient) && gradient.dtype == parameter.dtype));

    /// <summary>Whether a tensor is contiguous in the CPU's memory in single or double precision.</summary>
    public static bool Serves(Tensor tensor) => KernelMemory.Holds(tensor) && tensor.is_contiguous();

    /// <summary>The sum of the squares, accumulated in double precision.</summary>
    public static double Squares<T>(Tensor contiguous) where T : unmanaged, INumber<T>
    {
        var values = KernelMemory.Elements<T>(contiguous);
        var (low, high) = (Vector512<double>.Zero, Vector512<double>.Zero);
        int i = 0;
        if (typeof(T) == typeof(float))
            foreach (var sixteen in MemoryMarshal.Cast<T, Vector512<float>>(values))
            {
                var (first, second) = Vector512.Widen(sixteen);
                low = Vectors.MultiplyAdd(first, first, low);
                high = Vectors.MultiplyAdd(second, second, high);
                i += Vector512<float>.Count;
            }
        double sum = Vector512.Sum(low + high);
        foreach (var value in values[i..])
        {
            double number = double.CreateChecked(value);
            sum += number * number;
        }
        return sum;
    }

    /// <summary>Multiplies every element by a factor.</summary>
    public static void Scale<T>(Tensor contiguous, T factor) where T : unmanaged, INumber<T>
    {
        var values = KernelMemory.Elements<T>(contiguous);
        var vectors = MemoryMarshal.Cast<T, Vector512<T>>(values);
        foreach (ref var vector in vectors) vector *= factor;
        foreach (ref var value in values[(vectors.Length * Vector512<T>.Count)..]) value *= factor;
    }
}

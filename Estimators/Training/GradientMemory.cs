using System.Numerics;
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
        double sum = 0;
        foreach (var value in KernelMemory.Elements<T>(contiguous))
        {
            double number = double.CreateChecked(value);
            sum += number * number;
        }
        return sum;
    }

    /// <summary>Multiplies every element by a factor.</summary>
    public static void Scale<T>(Tensor contiguous, T factor) where T : unmanaged, INumber<T>
    {
        foreach (ref var value in KernelMemory.Elements<T>(contiguous)) value *= factor;
    }
}

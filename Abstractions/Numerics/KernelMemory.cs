using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Gives kernels the memory of tensors, which they read and write without tensor operators. The operators are the reference: if
/// <see cref="Serves"/> is false, the same arithmetic runs tensor by tensor, and tests compare the two.
/// </summary>
internal static unsafe class KernelMemory
{
    // TorchSharp exposes the memory of a tensor as a span of bytes.
    private const long MostElements = int.MaxValue / sizeof(double);

    /// <summary>
    /// Whether this thread computes by operators where kernels would serve, as on a device (default: false). Tests set it to compare
    /// whole methods on both paths, and to count operators.
    /// </summary>
    [ThreadStatic]
    internal static bool OperatorsOnly;

    /// <summary>Whether a kernel can take the tensors: they are in memory (<see cref="Holds"/>), and no gradient is tracked.</summary>
    public static bool Serves(params ReadOnlySpan<Tensor> tensors)
    {
        if (!Holds(tensors)) return false;
        if (!is_grad_enabled()) return true;
        foreach (var tensor in tensors)
            if (tensor.requires_grad) return false;
        return true;
    }

    /// <summary>
    /// Whether the tensors are in the processor's memory, all in single or all in double precision, and none is larger than a span; false
    /// with <see cref="OperatorsOnly"/>.
    /// </summary>
    public static bool Holds(params ReadOnlySpan<Tensor> tensors)
    {
        if (OperatorsOnly) return false;
        var precision = tensors[0].dtype;
        if (precision is not (ScalarType.Float32 or ScalarType.Float64)) return false;
        for (int i = 1; i < tensors.Length; i++)
            if (tensors[i].dtype != precision) return false;
        foreach (var tensor in tensors)
            if (tensor.device_type != DeviceType.CPU || tensor.numel() >= MostElements) return false;
        return true;
    }

    /// <summary>The tensor, or a copy whose elements follow each other in memory if its own do not.</summary>
    public static Tensor Contiguous(Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.contiguous();

    /// <summary>The address of a contiguous tensor's first element; the caller keeps the tensor alive.</summary>
    public static T* Address<T>(Tensor contiguous) where T : unmanaged =>
        (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(contiguous.bytes));

    /// <summary>Whether two contiguous tensors share memory.</summary>
    public static bool Overlap(Tensor one, Tensor other) => one.bytes.Overlaps(other.bytes);

    /// <summary>The elements of a contiguous tensor; the caller keeps the tensor alive.</summary>
    public static Span<T> Elements<T>(Tensor contiguous) where T : unmanaged => MemoryMarshal.Cast<byte, T>(contiguous.bytes);
}

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// What the kernels over plain memory share: whether a tensor's memory can be worked on, and memory of a thread's own
/// that begins at a whole vector and is kept for the next call.
/// </summary>
internal static unsafe class KernelMemory
{
    private const int Alignment = 64;

    [ThreadStatic] private static byte[]? kept;

    /// <summary>Whether a kernel can take the tensor: in the processor's memory, single or double precision, and nothing to be tracked.</summary>
    public static bool Serves(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.dtype is ScalarType.Float32 or ScalarType.Float64 && !(is_grad_enabled() && tensor.requires_grad);

    /// <summary>The address of a contiguous tensor's first element, which the tensor keeps alive.</summary>
    public static T* Address<T>(Tensor contiguous) where T : unmanaged =>
        (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(contiguous.bytes));

    /// <summary>The tensor, or where its elements do not follow each other in memory, a copy in which they do.</summary>
    public static Tensor Contiguous(Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.contiguous();

    /// <summary>A length as a whole number of vectors.</summary>
    public static int Padded<T>(int length) where T : unmanaged
    {
        int lanes = Vector512<T>.Count;
        return (length + lanes - 1) / lanes * lanes;
    }

    /// <summary>The thread's own memory for so many numbers; the next call of the same thread gets the same, whatever is in it.</summary>
    public static T* Rent<T>(long numbers) where T : unmanaged
    {
        long bytes = numbers * sizeof(T) + Alignment;
        if (kept is null || kept.Length < bytes) kept = GC.AllocateUninitializedArray<byte>(checked((int)bytes), pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(kept));
        return (T*)((address + Alignment - 1) / Alignment * Alignment);
    }

    /// <summary>
    /// How many threads a batch of equal pieces of work is worth, given the floating-point operations of each; at most as many
    /// as libtorch would use for an operator that this thread calls. No result depends on the number.
    /// </summary>
    public static int Threads(long pieces, double workOfOne)
    {
        const double workPerThread = 400_000; // floating-point operations, some 100 microseconds
        return (int)Math.Clamp(Math.Min(pieces, pieces * workOfOne / workPerThread), 1, get_num_threads());
    }

    /// <summary>Does pieces 0 to <paramref name="pieces"/> - 1, each by itself, on so many threads; in several shares for each, so that one that is held up leaves its work to the others.</summary>
    public static void ForEach(long pieces, int threads, Action<long, long> share)
    {
        if (threads == 1)
        {
            share(0, pieces);
            return;
        }
        long shares = Math.Min(pieces, 8L * threads);
        Parallel.For(0, shares, new ParallelOptions { MaxDegreeOfParallelism = threads }, part => share(pieces * part / shares, pieces * (part + 1) / shares));
    }

    /// <summary>a b + c</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c) where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(double)) return Vector512.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();
        if (typeof(T) == typeof(float)) return Vector512.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();
        return a * b + c;
    }
}

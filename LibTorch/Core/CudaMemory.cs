using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>
/// What libtorch's allocator holds on a CUDA device, in bytes. Null where there is no such device or where the native
/// half was compiled without CUDA's own headers.
/// </summary>
public readonly record struct CudaMemory(long Allocated, long PeakAllocated, long Reserved, long PeakReserved)
{
    /// <summary>The figures of one device.</summary>
    public static unsafe CudaMemory? Of(int device = 0)
    {
        if (device < 0 || device >= cuda.device_count()) return null;
        var bytes = stackalloc long[4];
        Throw.IfFailed(Native.daml_cuda_memory(device, bytes));
        return bytes[0] < 0 ? null : new CudaMemory(bytes[0], bytes[1], bytes[2], bytes[3]);
    }

    /// <summary>Lets the peaks start again from what is held now.</summary>
    public static void ResetPeaks(int device = 0)
    {
        if (device >= 0 && device < cuda.device_count()) Throw.IfFailed(Native.daml_cuda_reset_peak_memory(device));
    }

    /// <summary>Gives unused blocks back to the driver.</summary>
    public static void EmptyCache()
    {
        if (cuda.is_available()) Throw.IfFailed(Native.daml_cuda_empty_cache());
    }
}

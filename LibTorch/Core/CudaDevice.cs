using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>What a CUDA device is.</summary>
public static class CudaDevice
{
    /// <summary>The generation of a device (8 is Ampere, 9 Hopper) and its revision; null where there is no such device or where the native half was compiled without CUDA's own headers.</summary>
    /// <param name="device">Its number.</param>
    public static unsafe (int Major, int Minor)? ComputeCapability(int device = 0)
    {
        if (device < 0 || device >= cuda.device_count()) return null;
        int major, minor;
        Throw.IfFailed(Native.daml_cuda_capability(device, &major, &minor));
        return major < 0 ? null : (major, minor);
    }
}

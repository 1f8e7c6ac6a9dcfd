using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The way a CUDA device multiplies matrices of single precision, those inside convolutions included.</summary>
public enum MatrixPrecision
{
    /// <summary>
    /// Full single precision, as on the processor. PyTorch's own default lets convolutions fall back to <see cref="TensorFloat32"/>;
    /// DaML's does not.
    /// </summary>
    Full,

    /// <summary>
    /// NVIDIA's TF32 on tensor cores: factors are rounded to 11 significant bits, sums are kept in single precision. It is several times
    /// as fast, with errors of some 1e-3 of a product: use it to train networks, not for filters. Double precision is not affected.
    /// </summary>
    TensorFloat32,
}

internal static class MatrixPrecisions
{
    /// <summary>Sets the precision. libtorch keeps one setting, so it holds for the whole process.</summary>
    /// <exception cref="ArgumentException">The value does not exist, or the device does not support it.</exception>
    public static void Apply(MatrixPrecision precision, Device device)
    {
        Require.Defined(precision);
        bool tensorFloat = precision == MatrixPrecision.TensorFloat32;
        if (device.type != DeviceType.CUDA)
        {
            if (tensorFloat)
                throw new ArgumentException(
                    $"The matrix precision {precision} is available on CUDA devices only; the context is on '{device}', which computes " +
                        "in full single precision.", nameof(precision));
            return;
        }
        backends.cuda.matmul.allow_tf32 = tensorFloat;
        backends.cudnn.allow_tf32 = tensorFloat;
    }
}

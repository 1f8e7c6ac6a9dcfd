using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>How a CUDA device multiplies matrices of single precision, those inside convolutions included.</summary>
public enum MatrixPrecision
{
    /// <summary>
    /// In full single precision, as the processor does. PyTorch's own default lets convolutions fall back to <see cref="TensorFloat32"/>;
    /// DaML's does not.
    /// </summary>
    Full,

    /// <summary>
    /// In NVIDIA's TF32 on tensor cores: factors are rounded to 11 significant bits, sums are kept in single precision. Several
    /// times the speed, errors of some 1e-3 of a product; for training networks, not for filters. Double precision is as it was.
    /// </summary>
    TensorFloat32,
}

internal static class MatrixPrecisions
{
    /// <summary>Sets the precision for the whole process, which is how libtorch keeps it.</summary>
    /// <exception cref="ArgumentException">No such value, or a device that does not have it.</exception>
    public static void Apply(MatrixPrecision precision, Device device)
    {
        if (!Enum.IsDefined(precision))
            throw new ArgumentOutOfRangeException(nameof(precision), precision, $"'{nameof(MatrixPrecision)}' has no value {precision}.");
        bool tensorFloat = precision == MatrixPrecision.TensorFloat32;
        if (device.type != DeviceType.CUDA)
        {
            if (tensorFloat)
                throw new ArgumentException(
                    $"The matrix precision {precision} is one of CUDA devices; the context is on '{device}', which computes in full " +
                        $"single precision.", nameof(precision));
            return;
        }
        backends.cuda.matmul.allow_tf32 = tensorFloat;
        backends.cudnn.allow_tf32 = tensorFloat;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Tensors in the precision and on the device of another one, for what TorchSharp's <c>new_zeros</c> and its like lack.</summary>
public static class TensorsLike
{
    /// <summary>The identity matrix.</summary>
    /// <param name="like">A tensor of its precision and device.</param>
    /// <param name="size">The number of rows.</param>
    /// <returns><c>[size, size]</c></returns>
    public static Tensor Identity(this Tensor like, long size) => eye(size, dtype: like.dtype, device: like.device);

    /// <summary>Numbers of a program as a tensor.</summary>
    /// <param name="like">A tensor of its precision and device.</param>
    /// <param name="numbers">The numbers.</param>
    /// <returns><c>[count]</c></returns>
    public static Tensor Numbers(this Tensor like, IEnumerable<double> numbers) =>
        tensor([.. numbers], dtype: like.dtype, device: like.device);
}

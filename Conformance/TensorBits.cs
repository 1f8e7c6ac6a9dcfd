using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The bits of tensors, for comparisons without tolerance.</summary>
internal static class TensorBits
{
    /// <summary>The bits of a tensor: shape, element type and values.</summary>
    public static byte[] Of(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var here = tensor.detach().cpu().contiguous();
        return [.. tensor.Sizes().SelectMany(BitConverter.GetBytes), (byte)tensor.dtype, .. here.bytes];
    }

    /// <summary>The bits of several tensors.</summary>
    public static byte[] Of(IEnumerable<Tensor> tensors) => [.. tensors.SelectMany(Of)];
}

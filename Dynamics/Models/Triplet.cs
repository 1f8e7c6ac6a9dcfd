using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The components of a model of three.</summary>
internal static class Triplet
{
    /// <summary>The three components, each <c>[...]</c>, of a tensor <c>[..., 3]</c> or more.</summary>
    public static (Tensor First, Tensor Second, Tensor Third) Parts(this Tensor tensor) =>
        (tensor.select(-1, 0), tensor.select(-1, 1), tensor.select(-1, 2));
}

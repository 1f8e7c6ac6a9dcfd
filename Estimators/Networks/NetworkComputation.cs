namespace DaML.Components;

/// <summary>The way of computing a network that has a fused form.</summary>
public enum NetworkComputation
{
    /// <summary>
    /// In one fused piece where that can be (on the processor, in single precision), else by plain operators. Both agree to some 1e-6 of
    /// the largest value.
    /// </summary>
    Automatic,

    /// <summary>By plain tensor operators: the reference.</summary>
    Plain,

    /// <summary>
    /// By plain tensor operators, the hidden convolutions of a <see cref="ResidualConvolutionNetwork"/> in bfloat16: 8 significant bits,
    /// twice the rate of TF32 on tensor cores. Weights, their gradients, normalisation, activation, skips and the layers at both ends stay
    /// in the network's precision. For training on devices; the processor gains nothing by it.
    /// </summary>
    BFloat16,
}

/// <summary>Checks ways of computing a network.</summary>
internal static class NetworkComputations
{
    /// <summary>Refuses other ways than automatic and plain.</summary>
    /// <param name="computation">The way.</param>
    /// <param name="network">What is computed.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is another.</exception>
    public static void RequireFusedOrPlain(this NetworkComputation computation, string network)
    {
        if (computation is not (NetworkComputation.Automatic or NetworkComputation.Plain))
            throw new ArgumentOutOfRangeException(nameof(computation), computation,
                $"The computation of {network} must be {nameof(NetworkComputation.Automatic)} or {nameof(NetworkComputation.Plain)}; " +
                    $"given: {computation}.");
    }
}

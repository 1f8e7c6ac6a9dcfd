namespace DaML;

/// <summary>How a <see cref="ResidualConvolutionNetwork"/> is computed.</summary>
public enum NetworkComputation
{
    /// <summary>In one fused piece where that can be (on the processor, in single precision), else by plain operators. Both agree to some 1e-6 of the largest value.</summary>
    Automatic,

    /// <summary>By plain tensor operators: the reference.</summary>
    Plain,
}

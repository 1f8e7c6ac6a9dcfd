namespace DaML.Components;

/// <summary>The function between the layers of a <see cref="ResidualConvolutionTrunk"/>.</summary>
public enum NetworkActivation
{
    /// <summary>x tanh(ln(1 + e^x)) (Misra 2019), the papers' choice.</summary>
    Mish,

    /// <summary>
    /// No activation: the papers' linear network, the best filter with a constant gain. Its batch normalisation remains. In use, with the
    /// statistics of training, the network is affine in its inputs; in training, with a batch's own statistics, it is nearly so.
    /// </summary>
    None,
}

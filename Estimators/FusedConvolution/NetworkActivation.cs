namespace DaML.Components;

/// <summary>The function between the layers of a <see cref="ResidualConvolutionTrunk"/>.</summary>
public enum NetworkActivation
{
    /// <summary>x tanh(ln(1 + e^x)) (Misra 2019), the papers' choice.</summary>
    Mish,

    /// <summary>
    /// None: the papers' linear network, the best filter with a constant gain. Its batch normalisation stays, so in use, with
    /// the statistics of training, the network is affine in its inputs; in training a batch's own statistics make it nearly so.
    /// </summary>
    None,
}

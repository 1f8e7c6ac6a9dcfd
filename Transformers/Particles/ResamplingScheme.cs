namespace DaML.Components;

/// <summary>How particles are drawn anew by their weights. All are unbiased: a particle of weight w is expected N w times.</summary>
public enum ResamplingScheme
{
    /// <summary>N equally spaced places with one random offset (Kitagawa 1996): the least noise at the least cost.</summary>
    Systematic,

    /// <summary>One random place in each of N equal pieces.</summary>
    Stratified,

    /// <summary>
    /// The whole part of N w copies for certain, the rest by independent draws of what is left of the weights (Liu and Chen 1998).
    /// </summary>
    Residual,

    /// <summary>N independent draws: the most noise, and the theory of the bootstrap filter (Gordon et al. 1993).</summary>
    Multinomial,
}

namespace DaML.Components;

/// <summary>The scheme of resampling particles by their weights. All are unbiased: the expected number of copies of a particle of weight
/// w is N w.</summary>
public enum ResamplingScheme
{
    /// <summary>N equally spaced places with one random offset (Kitagawa 1996): the least noise at the least cost.</summary>
    Systematic,

    /// <summary>One random place in each of N equal pieces.</summary>
    Stratified,

    /// <summary>
    /// The whole part of N w copies for certain, the rest by independent draws from the remaining weights (Liu and Chen 1998).
    /// </summary>
    Residual,

    /// <summary>N independent draws: the most noise, and the theory of the bootstrap filter (Gordon et al. 1993).</summary>
    Multinomial,
}

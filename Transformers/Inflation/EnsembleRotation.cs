namespace DaML;

/// <summary>
/// The random rotation of an analysis' anomalies: a rotation changes neither mean nor covariance, but keeps outliers from lasting.
/// </summary>
public enum EnsembleRotation
{
    /// <summary>No rotation: the symmetric square root, the transform closest to the identity.</summary>
    None,

    /// <summary>A random orthogonal matrix that preserves the mean (Sakov and Oke 2008, Mon. Wea. Rev. 136, 1042-1053).</summary>
    MeanPreserving,
}

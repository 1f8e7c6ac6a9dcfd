namespace DaML;

/// <summary>How noise of a known covariance Q is given to an ensemble.</summary>
public enum NoiseTreatment
{
    /// <summary>Each member gets a draw of its own: right on average, with the sampling error of N draws.</summary>
    Stochastic,

    /// <summary>
    /// The anomalies are transformed so that their covariance grows by Q as far as the ensemble spans it, without a draw:
    /// Sqrt-Core of Raanes, Carrassi and Bertino 2015 (Mon. Wea. Rev. 143, 3857-3873). Exact where the ensemble spans the whole
    /// space; what of Q lies outside of its span is left out.
    /// </summary>
    SquareRoot,

    /// <summary>The same, and independent draws of the part of Q outside of the ensemble's span: Sqrt-Add-Z of the same paper.</summary>
    SquareRootWithResidual,

    /// <summary>
    /// The same, and draws outside of the ensemble's span that depend on what was added inside of it as Q says: Sqrt-Dep of the
    /// same paper, the best of its three.
    /// </summary>
    SquareRootDependent,
}

namespace DaML;

/// <summary>The method of adding noise of a known covariance Q to an ensemble.</summary>
public enum NoiseTreatment
{
    /// <summary>Each member gets its own draw: correct on average, with the sampling error of N draws.</summary>
    Stochastic,

    /// <summary>
    /// The anomalies are transformed so that their covariance grows by Q as far as the ensemble spans it, without a draw: Sqrt-Core of
    /// Raanes, Carrassi and Bertino 2015 (Mon. Wea. Rev. 143, 3857-3873). It is exact if the ensemble spans the whole space; the part of
    /// Q outside its span is left out.
    /// </summary>
    SquareRoot,

    /// <summary>The same, with independent draws of the part of Q outside the ensemble's span: Sqrt-Add-Z of the same paper.</summary>
    SquareRootWithResidual,

    /// <summary>
    /// The same, with draws outside the ensemble's span that depend on the noise inside it as Q requires: Sqrt-Dep of the same paper, the
    /// best of its three methods.
    /// </summary>
    SquareRootDependent,
}

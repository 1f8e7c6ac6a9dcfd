namespace DaML;

/// <summary>
/// The hyperprior of the finite-size ensemble Kalman filter: the belief about the true mean and covariance, given only N members. It
/// enters the dual cost function through two numbers, epsilon (the uncertain mean) and nu (the weight of its logarithm).
/// </summary>
public sealed record FiniteSizePrior
{
    private FiniteSizePrior(bool modeCorrected, double certainty)
    {
        ModeCorrected = modeCorrected;
        Certainty = Require.Positive(certainty);
    }

    /// <summary>
    /// Jeffreys' prior unchanged (Bocquet 2011; Bocquet et al. 2015): epsilon = 1 + 1 / N, nu = N. It treats the ensemble as a purely
    /// random sample, and shrinks an ensemble without observations.
    /// </summary>
    public static FiniteSizePrior Jeffreys { get; } = new(false, 1);

    /// <summary>
    /// Jeffreys' prior bridged towards Dirac's to the degree that the observations leave the prior unchanged (the idea of Bocquet et al.
    /// 2015, in the form of Raanes et al. 2019, Q. J. R. Meteorol. Soc. 145, and DAPPER): without observations the ensemble is neither
    /// inflated nor deflated.
    /// </summary>
    /// <param name="certainty">
    /// The certainty of the ensemble's covariance relative to N random draws, above zero. A value of one assumes nothing, and finds a
    /// truth far from the first ensemble. A value of two is better if the model is deterministic and nearly linear between observations
    /// (fully observed Lorenz-96 with 20 members: 0.18 instead of 0.24), and worse otherwise.
    /// </param>
    public static FiniteSizePrior DiracJeffreys(double certainty = 1) => new(true, certainty);

    /// <summary>Whether the mode is corrected.</summary>
    public bool ModeCorrected { get; }

    /// <summary>The certainty, relative to N random draws.</summary>
    public double Certainty { get; }

    /// <summary>Gives epsilon and nu for one analysis.</summary>
    /// <param name="eigenvalues">The eigenvalues of Y Y^T (whitened observed anomalies) that may differ from zero.</param>
    /// <param name="members">N</param>
    public (double Epsilon, double Nu) Coefficients(ReadOnlySpan<double> eigenvalues, long members)
    {
        double n = members, epsilon = 1 + 1 / n, nu = n;
        if (!ModeCorrected) return (epsilon, nu);
        // The share of the prior in the analysis, the mean of (N - 1) / (lambda + N - 1): one if nothing is observed.
        double untouched = n - eigenvalues.Length;
        foreach (double eigenvalue in eigenvalues) untouched += (n - 1) / (eigenvalue + n - 1);
        double correction = Math.Pow(epsilon * (n - 1) / nu, untouched / n / 2);
        return (Certainty * epsilon / correction, Certainty * nu * correction);
    }
}

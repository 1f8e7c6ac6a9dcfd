namespace DaML;

/// <summary>
/// The hyperprior of the finite-size ensemble Kalman filter: what is believed of the true mean and covariance, given that
/// N members are all that is known of them. It enters the dual cost function through two numbers, epsilon (the uncertain
/// mean) and nu (the weight of its logarithm).
/// </summary>
public sealed record FiniteSizePrior
{
    private FiniteSizePrior(bool modeCorrected, double certainty)
    {
        ModeCorrected = modeCorrected;
        Certainty = Require.Positive(certainty);
    }

    /// <summary>
    /// Jeffreys' prior as it is (Bocquet 2011; Bocquet et al. 2015): epsilon = 1 + 1 / N, nu = N. It takes the ensemble for
    /// a purely random sample, and shrinks an ensemble that nothing observes.
    /// </summary>
    public static FiniteSizePrior Jeffreys { get; } = new(false, 1);

    /// <summary>
    /// Jeffreys' prior bridged towards Dirac's in the measure in which the observations leave the prior untouched (the idea
    /// of Bocquet et al. 2015, in the form of Raanes et al. 2019, Q. J. R. Meteorol. Soc. 145, and DAPPER): without
    /// observations the ensemble is neither inflated nor deflated.
    /// </summary>
    /// <param name="certainty">
    /// How much more certain than of N random draws one is of the ensemble's covariance, above zero. One assumes nothing, and
    /// finds a truth far from the first ensemble; two is better where the model is deterministic and nearly linear between
    /// observations (fully observed Lorenz-96 with 20 members: 0.18 instead of 0.24), and worse elsewhere.
    /// </param>
    public static FiniteSizePrior DiracJeffreys(double certainty = 1) => new(true, certainty);

    /// <summary>Whether the mode is corrected.</summary>
    public bool ModeCorrected { get; }

    /// <summary>The certainty, relative to N random draws.</summary>
    public double Certainty { get; }

    /// <summary>epsilon and nu for one analysis.</summary>
    /// <param name="eigenvalues">Those of Y Y^T (whitened observed anomalies) that need not be zero.</param>
    /// <param name="members">N</param>
    public (double Epsilon, double Nu) Coefficients(ReadOnlySpan<double> eigenvalues, long members)
    {
        double n = members, epsilon = 1 + 1 / n, nu = n;
        if (!ModeCorrected) return (epsilon, nu);
        // The share of the prior in the analysis, mean of (N - 1) / (lambda + N - 1): one where nothing is observed.
        double untouched = n - eigenvalues.Length;
        foreach (double eigenvalue in eigenvalues) untouched += (n - 1) / (eigenvalue + n - 1);
        double correction = Math.Pow(epsilon * (n - 1) / nu, untouched / n / 2);
        return (Certainty * epsilon / correction, Certainty * nu * correction);
    }
}

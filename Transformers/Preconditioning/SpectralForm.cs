namespace DaML.Components;

/// <summary>
/// The target of a spectral preconditioner in the spectrum (Trappler and Vidard, eq. 1.21 and 1.24): eigenvalues lambda with known pairs
/// become mu lambda^(alpha + 1), all others are multiplied by beta.
/// </summary>
public sealed record SpectralForm
{
    /// <summary>alpha, the exponent (default: -1, which moves all known eigenvalues to mu).</summary>
    public double Alpha { get; init; } = -1;

    /// <summary>beta, above zero (default: 1).</summary>
    public double Beta { get; init; } = 1;

    /// <summary>
    /// mu, above zero (default: null, the smallest eigenvalue kept), mu = beta lambda_r^(-alpha), which leaves the smallest of the known
    /// eigenvalues unchanged. If the pairs are inexact, a mu at the lower end of the spectrum does harm.
    /// </summary>
    public double? Mu { get; init; }

    internal SpectralForm Checked()
    {
        Require.Finite(Alpha);
        Require.Positive(Beta, nameof(Beta));
        if (Mu is { } mu) Require.Positive(mu, nameof(Mu));
        return this;
    }
}

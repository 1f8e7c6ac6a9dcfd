namespace DaML;

/// <summary>
/// A network linear in the innovation, P^a = rho o (X X^T) (<see cref="InnovationLinearNetwork"/>): the size of what gives X,
/// and the localisation rho. Bocquet et al. (2025, appendix B) do not say how many columns and which rho they took; the
/// defaults serve Lorenz-96.
/// </summary>
public sealed record InnovationLinearOptions
{
    /// <summary>The layers that read the forecast, and the grid. They read no innovation and have no term beside them.</summary>
    public ResidualConvolutionOptions Network { get; init; } = new();

    /// <summary>Number m of columns of X, N_r in the paper, 1 to 4096. A localised covariance has full rank with few of them.</summary>
    public long Columns { get; init; } = 16;

    /// <summary>
    /// The decrease of rho with the distance of two sites (default: Gaspari and Cohn's). It must be a correlation, so that P^a is a
    /// covariance (Schur's product theorem); a band with a hard edge is none and is refused.
    /// </summary>
    public LocalisationTaper Taper { get; init; } = LocalisationTaper.GaspariCohn;

    /// <summary>
    /// The reach of rho: sites to one half-width (default: 7, as is usual on Lorenz-96, so that it ends at 14).
    /// </summary>
    [Inlined]
    public LocalisationRadius Radius { get; init; } = LocalisationRadius.HalfWidth(7);

    /// <summary>
    /// How many sites to each side of a site have a say in what the analysis gives there: as far as the network sees, and rho reaches.
    /// </summary>
    public long Reach => Network.Reach + new LocalisationBand(Network.Grid, Taper, Radius).Reach;

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentException">A count out of its range, a taper that is no correlation, a term that is not linear in the
    /// innovation alone.</exception>
    internal InnovationLinearOptions Checked()
    {
        Network.Checked();
        Require.Between(Columns, 1, 4096);
        if (Network.Inputs != AnalysisInputs.ForecastAndInnovation || Network.InnovationTerm != InnovationTerm.None)
            throw new ArgumentException(
                "A network linear in the innovation reads the forecast and multiplies the innovation by P^a, so " +
                    $"'{nameof(Network.Inputs)}' and '{nameof(Network.InnovationTerm)}' must have their defaults; given: " +
                    $"{Network.Inputs} and {Network.InnovationTerm}.");
        return this;
    }
}

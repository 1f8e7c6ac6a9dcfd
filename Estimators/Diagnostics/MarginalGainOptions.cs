namespace DaML.Components;

/// <summary>Which symmetry of an analysis its mean marginal gain makes use of.</summary>
public enum SiteSymmetry
{
    /// <summary>
    /// The sites are a circle on which all are alike (model, observations, analysis): every site's gain, moved along the circle to r, is
    /// one more sample (eq. G2).
    /// </summary>
    Translation,

    /// <summary>None: only the gain with respect to site r counts.</summary>
    None,
}

/// <summary>Settings of a mean marginal gain, with their defaults.</summary>
public record MarginalGainOptions
{
    /// <summary>The column with the states of the attractor; <see cref="Columns.Truth"/> unless said.</summary>
    public Column State { get; init; } = Columns.Truth;

    /// <summary>How many first cycles are left out.</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// Of how many successive cycles one is used. Ten unless said: neighbours in time tell little more than one of them (Lorenz-96 with a
    /// step of 0.05: 0.5, near its Lyapunov time).
    /// </summary>
    public long Every { get; init; } = 10;

    /// <summary>Translation unless said. The sites, one in each cycle used, take turns.</summary>
    public SiteSymmetry Symmetry { get; init; } = SiteSymmetry.Translation;

    /// <summary>The site r, from 0; null = in the middle, n / 2 rounded down.</summary>
    public long? Site { get; init; }

    /// <summary>What to call the work in progress reports.</summary>
    public string Activity { get; init; } = "marginal gain";
}

/// <summary>Settings of a mean marginal gain by the composite of regression and differentiation, with their defaults.</summary>
public sealed record MarginalGainRegressionOptions : MarginalGainOptions
{
    /// <summary>
    /// Number of innovations at each state, at least two; null = as many as the state has components. The regression is over those of all
    /// states together (eq. H5), so that few at each do.
    /// </summary>
    public long? Samples { get; init; }

    /// <summary>
    /// How the derivative with respect to the forecast is taken; null = automatically for a <see cref="LearnedAnalyzer"/>, by differences
    /// for others.
    /// </summary>
    public StateDerivative? Derivative { get; init; }
}

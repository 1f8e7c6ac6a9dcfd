namespace DaML.Components;

/// <summary>The symmetry of an analysis that its mean marginal gain uses.</summary>
public enum SiteSymmetry
{
    /// <summary>
    /// The sites form a circle with translation symmetry (of model, observations and analysis): every site's gain, moved along the circle
    /// to r, is one more sample (eq. G2).
    /// </summary>
    Translation,

    /// <summary>No symmetry: only the gain with respect to site r counts.</summary>
    None,
}

/// <summary>Settings of a mean marginal gain, with their defaults.</summary>
public record MarginalGainOptions
{
    /// <summary>The column with the states of the attractor (default: <see cref="Columns.Truth"/>).</summary>
    public Column State { get; init; } = Columns.Truth;

    /// <summary>The number of first cycles to leave out.</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The stride of the cycles in use (default: 10, since neighbours in time add little information; ten steps of 0.05 of Lorenz-96 are
    /// 0.5, near its Lyapunov time).
    /// </summary>
    public long Every { get; init; } = 10;

    /// <summary>The symmetry (default: translation). The sites take turns, one in each cycle in use.</summary>
    public SiteSymmetry Symmetry { get; init; } = SiteSymmetry.Translation;

    /// <summary>The site r, from 0 (default: null, the middle, n / 2 rounded down).</summary>
    public long? Site { get; init; }

    /// <summary>The name of the work in progress reports.</summary>
    public string Activity { get; init; } = "marginal gain";
}

/// <summary>Settings of a mean marginal gain by the composite of regression and differentiation, with their defaults.</summary>
public sealed record MarginalGainRegressionOptions : MarginalGainOptions
{
    /// <summary>
    /// The number of innovations at each state, at least two (default: null, as many as the state has components). The regression is over
    /// those of all states together (eq. H5), so a few per state are enough.
    /// </summary>
    public long? Samples { get; init; }

    /// <summary>
    /// The method of the derivative with respect to the forecast (default: null, automatic for a
    /// <see cref="LearnedAnalyzer{TMemory}"/>, differences for others).
    /// </summary>
    public StateDerivative? Derivative { get; init; }
}

namespace DaML.Components;

/// <summary>Multiplies the anomalies of one of a cycle's two covariances by a factor.</summary>
[Component("multiplicative-inflation")]
public sealed record MultiplicativeInflation : Inflation
{
    internal MultiplicativeInflation([Saved("inflation")] double standardDeviationFactor,
        [Saved("inflationTarget")] InflationTarget target)
    {
        StandardDeviationFactor = Require.Positive(standardDeviationFactor, "factor");
        Target = target;
    }

    /// <summary>The factor of the anomalies.</summary>
    public double StandardDeviationFactor { get; }

    /// <summary>The factor of the covariance.</summary>
    public double VarianceFactor => StandardDeviationFactor * StandardDeviationFactor;

    /// <summary>The covariance that is inflated.</summary>
    public InflationTarget Target { get; }

    /// <inheritdoc/>
    public override double PriorFactor => Target == InflationTarget.Prior ? StandardDeviationFactor : 1;

    /// <inheritdoc/>
    public override double PosteriorFactor => Target == InflationTarget.Posterior ? StandardDeviationFactor : 1;
}

namespace DaML;

/// <summary>Multiplies the anomalies of one of a cycle's two covariances by a factor.</summary>
public sealed record MultiplicativeInflation : Inflation, IComponent
{
    internal MultiplicativeInflation(double standardDeviationFactor, InflationTarget target)
    {
        StandardDeviationFactor = standardDeviationFactor;
        Target = target;
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("multiplicative-inflation", 1, Of);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>What the anomalies are multiplied by.</summary>
    public double StandardDeviationFactor { get; }

    /// <summary>What the covariance is multiplied by.</summary>
    public double VarianceFactor => StandardDeviationFactor * StandardDeviationFactor;

    /// <summary>Which covariance is inflated.</summary>
    public InflationTarget Target { get; }

    /// <inheritdoc/>
    public override double PriorFactor => Target == InflationTarget.Prior ? StandardDeviationFactor : 1;

    /// <inheritdoc/>
    public override double PosteriorFactor => Target == InflationTarget.Posterior ? StandardDeviationFactor : 1;

    internal static MultiplicativeInflation Of(ComponentReader reader) =>
        StandardDeviation(reader.Get<double>("inflation"), reader.Get<InflationTarget>("inflationTarget"));

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("inflation", StandardDeviationFactor);
        writer.Set("inflationTarget", Target);
    }
}

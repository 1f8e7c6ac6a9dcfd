namespace DaML;

/// <summary>Which of a cycle's two covariances is inflated.</summary>
public enum InflationTarget
{
    /// <summary>The forecast's, before the observation is used.</summary>
    Prior,

    /// <summary>The analysis', after the observation was used.</summary>
    Posterior,
}

/// <summary>
/// Multiplicative covariance inflation. Published figures mean different things by it (a factor of the anomalies, of the
/// covariance, or a forgetting factor that divides the prior covariance), so each has its own maker here.
/// </summary>
public sealed record Inflation
{
    private Inflation(double standardDeviationFactor, InflationTarget target)
    {
        StandardDeviationFactor = standardDeviationFactor;
        Target = target;
    }

    /// <summary>No inflation.</summary>
    public static Inflation None { get; } = new(1, InflationTarget.Posterior);

    /// <summary>What the anomalies are multiplied by.</summary>
    public double StandardDeviationFactor { get; }

    /// <summary>What the covariance is multiplied by.</summary>
    public double VarianceFactor => StandardDeviationFactor * StandardDeviationFactor;

    /// <summary>Which covariance is inflated.</summary>
    public InflationTarget Target { get; }

    /// <summary>What the prior anomalies are multiplied by.</summary>
    internal double PriorFactor => Target == InflationTarget.Prior ? StandardDeviationFactor : 1;

    /// <summary>What the posterior anomalies are multiplied by.</summary>
    internal double PosteriorFactor => Target == InflationTarget.Posterior ? StandardDeviationFactor : 1;

    /// <summary>Multiplies the anomalies, that is the standard deviation, by a factor: Sakov's and DAPPER's convention.</summary>
    /// <param name="factor">Above zero, for instance 1.02.</param>
    /// <param name="target">Which anomalies; the posterior's unless said.</param>
    public static Inflation StandardDeviation(double factor, InflationTarget target = InflationTarget.Posterior) => new(Require.Positive(factor), target);

    /// <summary>Multiplies the covariance by a factor: Anderson's convention.</summary>
    /// <param name="factor">Above zero, for instance 1.04.</param>
    /// <param name="target">Which covariance; the posterior's unless said.</param>
    public static Inflation Variance(double factor, InflationTarget target = InflationTarget.Posterior) => new(Math.Sqrt(Require.Positive(factor)), target);

    /// <summary>Divides the prior covariance by a factor: the forgetting factor of Pham's SEIK filter and of PDAF.</summary>
    /// <param name="factor">Above zero and at most one, for instance 0.98.</param>
    public static Inflation ForgettingFactor(double factor) => Require.Positive(factor) <= 1 ? new(1 / Math.Sqrt(factor), InflationTarget.Prior)
        : throw new ArgumentOutOfRangeException(nameof(factor), factor, $"A forgetting factor is above zero and at most one (one forgets nothing); given: {factor}.");

    internal void Save(ComponentWriter writer)
    {
        writer.Set("inflation", StandardDeviationFactor);
        writer.Set("inflationTarget", Target);
    }

    internal static Inflation Load(ComponentReader reader) =>
        StandardDeviation(reader.Get<double>("inflation"), reader.Get<InflationTarget>("inflationTarget"));
}

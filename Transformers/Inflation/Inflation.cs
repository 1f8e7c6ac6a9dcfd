using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The covariance of a cycle that is inflated.</summary>
public enum InflationTarget
{
    /// <summary>The forecast covariance, before the observation is used.</summary>
    Prior,

    /// <summary>The analysis covariance, after the observation is used.</summary>
    Posterior,
}

/// <summary>
/// A remedy against an overconfident ensemble. Published figures mean different things by one word (a factor of the anomalies, of the
/// covariance, a forgetting factor that divides the prior covariance, a relaxation to the prior), so each has its own factory method
/// here, and <see cref="And"/> combines two.
/// <para>An ensemble analyzer applies any inflation in four places: <see cref="BeforeUpdate"/> on the members it is given;
/// <see cref="PriorFactor"/> on the prior anomalies, or as the weight of the prior's precision; <see cref="PosteriorFactor"/> on the
/// analysed anomalies; <see cref="AfterUpdate"/> on the members it would return. An inflation of your own overrides those that it needs;
/// to be saved, it must be a component (<see cref="ComponentAttribute"/>), as these are.</para>
/// </summary>
public abstract record Inflation
{
    /// <summary>No inflation.</summary>
    public static MultiplicativeInflation None { get; } = new(1, InflationTarget.Posterior);

    /// <summary>The factor of the prior anomalies (default: 1).</summary>
    public virtual double PriorFactor => 1;

    /// <summary>The factor of the posterior anomalies (default: 1).</summary>
    public virtual double PosteriorFactor => 1;

    /// <summary>
    /// Whether each member is compared with itself before the update, which a random rotation of the members would make meaningless.
    /// </summary>
    public virtual bool ComparesMembers => false;

    /// <summary>Gives the ensemble that the update begins with, before <see cref="PriorFactor"/> (default: unchanged).</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="random">The stream that a stochastic inflation draws from.</param>
    public virtual Tensor BeforeUpdate(Tensor members, RandomStream random) => members;

    /// <summary>Gives the ensemble that the update ends with (default: the analysis unchanged).</summary>
    /// <param name="forecast">The members that the update began with, before <see cref="PriorFactor"/>, <c>[batch, N, n]</c>.</param>
    /// <param name="analysis">The members after the update, <see cref="PosteriorFactor"/> included, <c>[batch, N, n]</c>.</param>
    /// <param name="random">The stream that a stochastic inflation draws from.</param>
    public virtual Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random) => analysis;

    /// <summary>Multiplies the anomalies, and so the standard deviation, by a factor: Sakov's and DAPPER's convention.</summary>
    /// <param name="factor">The factor, above zero, for instance 1.02.</param>
    /// <param name="target">The anomalies to inflate (default: the posterior's).</param>
    public static MultiplicativeInflation StandardDeviation(double factor, InflationTarget target = InflationTarget.Posterior) =>
        new(factor, target);

    /// <summary>Multiplies the covariance by a factor: Anderson's convention.</summary>
    /// <param name="factor">The factor, above zero, for instance 1.04.</param>
    /// <param name="target">The covariance to inflate (default: the posterior's).</param>
    public static MultiplicativeInflation Variance(double factor, InflationTarget target = InflationTarget.Posterior) =>
        new(Math.Sqrt(Require.Positive(factor)), target);

    /// <summary>Divides the prior covariance by a factor: the forgetting factor of Pham's SEIK filter and of PDAF.</summary>
    /// <param name="factor">The factor, above zero and at most one, for instance 0.98.</param>
    public static MultiplicativeInflation ForgettingFactor(double factor) =>
        Require.Positive(factor) <= 1 ? new(1 / Math.Sqrt(factor), InflationTarget.Prior)
        : throw new ArgumentOutOfRangeException(nameof(factor), factor,
            $"A forgetting factor must be above zero and at most one (one forgets nothing); given: {factor}.");

    /// <summary>Adds a covariance in every cycle, against errors in directions outside the ensemble.</summary>
    /// <param name="covariance">The covariance to add, of the state's dimension.</param>
    /// <param name="treatment">The method of adding it (default: draws with their mean subtracted, so that the ensemble's mean stays in
    /// place).</param>
    /// <param name="target">The covariance to add to (default: the posterior's).</param>
    public static AdditiveInflation Additive(IErrorCovariance covariance, NoiseTreatment treatment = NoiseTreatment.Stochastic,
        InflationTarget target = InflationTarget.Posterior) => new(covariance, treatment, target);

    /// <summary>
    /// Relaxes the posterior anomalies to the prior's, X_a + weight (X_f - X_a): RTPP (Zhang et al. 2004, Mon. Wea. Rev. 132, 1238-1253).
    /// It excludes a random rotation of the members.
    /// </summary>
    /// <param name="weight">The weight, between zero, which changes nothing, and one, which keeps the prior's anomalies.</param>
    public static RelaxationInflation RelaxationToPriorPerturbations(double weight) => new(RelaxationTarget.Perturbations, weight);

    /// <summary>
    /// Relaxes the posterior's spread to the prior's, component by component, s_a + weight (s_f - s_a): RTPS (Whitaker and
    /// Hamill 2012, Mon. Wea. Rev. 140, 3078-3089).
    /// </summary>
    /// <param name="weight">Zero or above; zero changes nothing, one restores the prior's spread, a larger weight exceeds it.</param>
    public static RelaxationInflation RelaxationToPriorSpread(double weight) => new(RelaxationTarget.Spread, weight);

    /// <summary>Combines this inflation with another: both factors act in the update, then the two act after it, in this order.</summary>
    /// <param name="other">The other inflation; of another kind, or on the other of the two covariances.</param>
    /// <exception cref="ArgumentException">Both do the same to the same covariance, so that one of them is enough.</exception>
    public CombinedInflation And(Inflation other) => new(this, other);

    /// <summary>Whether it may multiply a spread beyond that of the forecast, so that the loop has to bound it (docs/filters.md).</summary>
    internal virtual bool Widens => PriorFactor != 1 || PosteriorFactor != 1;

    /// <summary>Returns this inflation if it can be used with a rotation; for the constructors of analyzers that rotate.</summary>
    /// <param name="rotation">The rotation of the analysed anomalies.</param>
    /// <exception cref="ArgumentException">The inflation compares members that the rotation mixes.</exception>
    public Inflation With(EnsembleRotation rotation) => rotation == EnsembleRotation.None || !ComparesMembers ? this
        : throw new ArgumentException(
            $"A relaxation to the prior's perturbations compares each member with itself before the update; a random rotation mixes the " +
                $"members, and the ensemble would collapse. No rotation, or a relaxation to the prior's spread, is needed; " +
                    $"given: {rotation}.");

    // Archives of the first versions of some analyzers know only multiplicative inflation, as two of their settings.
    internal static ComponentType OnceTwoSettings<TAnalyzer>() where TAnalyzer : class =>
        ComponentType.Of<TAnalyzer>() with { Upgrade = ToPart };

    private static void ToPart(JsonObject analyzer)
    {
        if (analyzer["settings"] is not JsonObject settings || analyzer["parts"] is not JsonObject parts
            || parts.ContainsKey("inflation")) return;
        parts["inflation"] = new JsonObject
        {
            ["kind"] = "multiplicative-inflation",
            ["version"] = 1,
            ["settings"] = new JsonObject
            {
                ["inflation"] = settings["inflation"]?.DeepClone(),
                ["inflationTarget"] = settings["inflationTarget"]?.DeepClone(),
            },
            ["parts"] = new JsonObject(),
        };
    }
}

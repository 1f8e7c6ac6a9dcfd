using System.Text.Json.Nodes;
using static TorchSharp.torch;

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
/// What is done against an ensemble that is too sure of itself. Published figures mean different things by one word (a factor
/// of the anomalies, of the covariance, a forgetting factor that divides the prior covariance, a relaxation to the prior),
/// so each has its own maker here, and <see cref="And"/> puts two together.
/// <para>An ensemble analyzer applies any inflation in four places: <see cref="BeforeUpdate"/> on the members it is given;
/// <see cref="PriorFactor"/> on the prior anomalies, or as the weight of the prior's precision; <see cref="PosteriorFactor"/>
/// on the analysed anomalies; <see cref="AfterUpdate"/> on the members it would return. An inflation of one's own
/// overrides those that it needs, and is a component (<see cref="ComponentAttribute"/>) as these are if it is to be saved.</para>
/// </summary>
public abstract record Inflation
{
    /// <summary>No inflation.</summary>
    public static MultiplicativeInflation None { get; } = new(1, InflationTarget.Posterior);

    /// <summary>What the prior anomalies are multiplied by; one unless the inflation says otherwise.</summary>
    public virtual double PriorFactor => 1;

    /// <summary>What the posterior anomalies are multiplied by; one unless the inflation says otherwise.</summary>
    public virtual double PosteriorFactor => 1;

    /// <summary>
    /// Whether each member is compared with itself before the update, which a random rotation of the members would make meaningless.
    /// </summary>
    public virtual bool ComparesMembers => false;

    /// <summary>
    /// The ensemble that the update begins with, before <see cref="PriorFactor"/>; the one given unless the inflation says otherwise.
    /// </summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="random">Where a stochastic inflation draws from.</param>
    public virtual Tensor BeforeUpdate(Tensor members, RandomStream random) => members;

    /// <summary>The ensemble that the update ends with; the one analysed unless the inflation says otherwise.</summary>
    /// <param name="forecast">The members that the update began with, before <see cref="PriorFactor"/>, <c>[batch, N, n]</c>.</param>
    /// <param name="analysis">The members that it gave, <see cref="PosteriorFactor"/> included, <c>[batch, N, n]</c>.</param>
    /// <param name="random">Where a stochastic inflation draws from.</param>
    public virtual Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random) => analysis;

    /// <summary>Multiplies the anomalies, that is the standard deviation, by a factor: Sakov's and DAPPER's convention.</summary>
    /// <param name="factor">Above zero, for instance 1.02.</param>
    /// <param name="target">Which anomalies; the posterior's unless said.</param>
    public static MultiplicativeInflation StandardDeviation(double factor, InflationTarget target = InflationTarget.Posterior) =>
        new(factor, target);

    /// <summary>Multiplies the covariance by a factor: Anderson's convention.</summary>
    /// <param name="factor">Above zero, for instance 1.04.</param>
    /// <param name="target">Which covariance; the posterior's unless said.</param>
    public static MultiplicativeInflation Variance(double factor, InflationTarget target = InflationTarget.Posterior) =>
        new(Math.Sqrt(Require.Positive(factor)), target);

    /// <summary>Divides the prior covariance by a factor: the forgetting factor of Pham's SEIK filter and of PDAF.</summary>
    /// <param name="factor">Above zero and at most one, for instance 0.98.</param>
    public static MultiplicativeInflation ForgettingFactor(double factor) =>
        Require.Positive(factor) <= 1 ? new(1 / Math.Sqrt(factor), InflationTarget.Prior)
        : throw new ArgumentOutOfRangeException(nameof(factor), factor,
            $"A forgetting factor is above zero and at most one (one forgets nothing); given: {factor}.");

    /// <summary>Adds a covariance in every cycle, against errors whose directions the ensemble does not know.</summary>
    /// <param name="covariance">What is added, of the state's dimension.</param>
    /// <param name="treatment">How; drawn unless said, with the draws' mean taken off so that the ensemble's stays where it is.</param>
    /// <param name="target">To which covariance; the posterior's unless said.</param>
    public static AdditiveInflation Additive(IErrorCovariance covariance, NoiseTreatment treatment = NoiseTreatment.Stochastic,
        InflationTarget target = InflationTarget.Posterior) => new(covariance, treatment, target);

    /// <summary>
    /// Relaxes the posterior anomalies to the prior's, X_a + weight (X_f - X_a): RTPP (Zhang et al. 2004, Mon. Wea. Rev. 132,
    /// 1238-1253). Not with a random rotation of the members.
    /// </summary>
    /// <param name="weight">Between zero, which changes nothing, and one, which keeps the prior's anomalies.</param>
    public static RelaxationInflation RelaxationToPriorPerturbations(double weight) => new(RelaxationTarget.Perturbations, weight);

    /// <summary>
    /// Relaxes the posterior's spread to the prior's, component by component, s_a + weight (s_f - s_a): RTPS (Whitaker and
    /// Hamill 2012, Mon. Wea. Rev. 140, 3078-3089).
    /// </summary>
    /// <param name="weight">Not below zero; zero changes nothing, one gives the prior's spread back, more than one exceeds it.</param>
    public static RelaxationInflation RelaxationToPriorSpread(double weight) => new(RelaxationTarget.Spread, weight);

    /// <summary>This inflation and another: the factors of both in the update, then what each does after it, in this order.</summary>
    /// <param name="other">The other; of another kind, or on the other of the two covariances.</param>
    /// <exception cref="ArgumentException">Both do the same to the same covariance, where one of them says it all.</exception>
    public CombinedInflation And(Inflation other) => new(this, other);

    /// <summary>Whether it may multiply a spread beyond that of the forecast, so that the loop has to bound it (docs/filters.md).</summary>
    internal virtual bool Widens => PriorFactor != 1 || PosteriorFactor != 1;

    /// <summary>This inflation, if it can be used with a rotation; for the constructors of analyzers that rotate.</summary>
    /// <param name="rotation">The rotation of the analysed anomalies.</param>
    /// <exception cref="ArgumentException">It compares members that the rotation mixes.</exception>
    public Inflation With(EnsembleRotation rotation) => rotation == EnsembleRotation.None || !ComparesMembers ? this
        : throw new ArgumentException(
            $"A relaxation to the prior's perturbations compares each member with itself before the update; after a random rotation it " +
                $"is another one, and the ensemble would collapse. No rotation, or a relaxation to the prior's spread, is needed; " +
                    $"given: {rotation}.");

    // Archives of the first versions of some analyzers know only the multiplicative one, as two settings of theirs.
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

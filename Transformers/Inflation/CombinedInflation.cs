using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Two inflations in succession.</summary>
[Component("combined-inflation")]
public sealed record CombinedInflation : Inflation
{
    internal CombinedInflation(Inflation first, Inflation second)
    {
        First = first;
        Second = second;
        foreach (var one in Parts(first))
            foreach (var other in Parts(second))
                if (Same(one, other))
                    throw new ArgumentException(
                        $"Two inflations of the same kind for the same covariance cannot be combined: {one} and {other}. Give one with " +
                        "their product or sum.");
    }

    /// <summary>The inflation that acts first.</summary>
    public Inflation First { get; }

    /// <summary>The inflation that acts second.</summary>
    public Inflation Second { get; }

    /// <inheritdoc/>
    public override double PriorFactor => First.PriorFactor * Second.PriorFactor;

    /// <inheritdoc/>
    public override double PosteriorFactor => First.PosteriorFactor * Second.PosteriorFactor;

    internal override bool Widens => First.Widens || Second.Widens;

    /// <inheritdoc/>
    public override bool ComparesMembers => First.ComparesMembers || Second.ComparesMembers;

    /// <inheritdoc/>
    public override Tensor BeforeUpdate(Tensor members, RandomStream random) =>
        Second.BeforeUpdate(First.BeforeUpdate(members, random), random);

    /// <inheritdoc/>
    public override Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random) =>
        Second.AfterUpdate(forecast, First.AfterUpdate(forecast, analysis, random), random);

    private static IEnumerable<Inflation> Parts(Inflation inflation) =>
        inflation is CombinedInflation both ? Parts(both.First).Concat(Parts(both.Second)) : [inflation];

    private static bool Same(Inflation one, Inflation other) => (one, other) switch
    {
        (MultiplicativeInflation a, MultiplicativeInflation b) => a.Target == b.Target,
        (AdditiveInflation a, AdditiveInflation b) => a.Target == b.Target,
        (RelaxationInflation, RelaxationInflation) => true,
        _ => false,
    };
}

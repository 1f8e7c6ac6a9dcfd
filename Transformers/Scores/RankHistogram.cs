using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The rank of the truth among the members, component by component (Anderson 1996; Hamill 2001, Mon. Wea. Rev. 129, 550-560): flat if the
/// truth could be one of them, U-shaped if the ensemble is too narrow, sloping if it is biased. A truth that equals members counts in
/// equal parts for all ranks it could have.
/// </summary>
/// <param name="which">The state: forecast or analysis.</param>
public sealed class RankHistogramScore(ScoredState which)
    : Score($"{ScoredCycle.NameOf(which)} rank histogram", Columns.Truth), IScore<RankHistogram>
{
    /// <inheritdoc/>
    public override bool NeedsDensities => true;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => Ranks(cycle.Members(which), cycle.Truth);

    /// <summary>The frequency of each rank over the components, <c>[batch, members + 1]</c>.</summary>
    /// <param name="members"><c>[batch, members, n]</c></param>
    /// <param name="truth"><c>[batch, n]</c></param>
    public static Tensor Ranks(Tensor members, Tensor truth)
    {
        using var scope = NewDisposeScope();
        var x = truth.unsqueeze(1);
        var below = (members < x).sum(1).unsqueeze(-1);     // [batch, n, 1]
        var equal = (members == x).sum(1).unsqueeze(-1);
        var rank = arange(members.size(1) + 1, device: members.device);
        var possible = (rank >= below).logical_and(rank <= below + equal);
        return (possible.to(members.dtype) / (equal + 1)).mean([1]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public RankHistogram Summarise(ScoreFigures figures)
    {
        var ranks = figures.All;
        return new([.. ranks.Select(rank => rank.Mean)], [.. ranks.Select(rank => rank.StandardError)]);
    }
}

/// <summary>The frequency of each rank of the truth among the members.</summary>
/// <param name="Frequencies">The share of each rank, from below all members to above all; the shares add up to one.</param>
/// <param name="StandardErrors">Their standard errors, which account for correlated cycles and components.</param>
public sealed record RankHistogram(IReadOnlyList<double> Frequencies, IReadOnlyList<double> StandardErrors)
{
    /// <summary>
    /// The statistic of flatness, which is approximately a chi-square variable with one degree of freedom per member if the truth could
    /// be one of the members: M sum_k (f_k - p)^2 / p, p = 1 / (N + 1), with M the number of independent ranks that have the scatter
    /// which the frequencies have (the first-order correction of Rao and Scott 1981, J. Amer. Stat. Assoc. 76, 221-230).
    /// </summary>
    public double ChiSquare
    {
        get
        {
            double p = 1.0 / Frequencies.Count;
            double independent = p * (1 - p) / StandardErrors.Average(error => error * error);
            return independent * Frequencies.Sum(frequency => (frequency - p) * (frequency - p)) / p;
        }
    }

    /// <summary>
    /// The probability of so large a statistic if the truth could be one of the members; small if the histogram is not flat.
    /// </summary>
    /// <remarks>The upper tail of the chi-square distribution, Q(k / 2, x / 2), with k = the number of members.</remarks>
    public double Probability => MathNet.Numerics.SpecialFunctions.GammaUpperRegularized((Frequencies.Count - 1) / 2.0, ChiSquare / 2);

    /// <summary>Draws the histogram beside the flat one, with the band in which frequencies of a flat one would mostly lie.</summary>
    /// <param name="title">The title above it.</param>
    public Histogram ToFigure(string title = "")
    {
        int count = Frequencies.Count;
        double[] flat = [.. Enumerable.Repeat(1.0 / count, count + 2)];
        double[] errors = [StandardErrors[0], .. StandardErrors, StandardErrors[^1]];    // at the outer edges that of the outer bins
        return new Histogram(title, new Axis("rank of the truth"), new Axis("frequency"),
            [.. Enumerable.Range(0, count + 1).Select(edge => edge - 0.5)], Frequencies)
        {
            Curves = [new LineSeries("flat", [-0.5, .. Enumerable.Range(0, count), count - 0.5], flat)
                { Bands = errors.All(double.IsFinite) ? [LineBand.Around("± 2 standard errors", flat, errors, 2)] : [] }],
        };
    }
}

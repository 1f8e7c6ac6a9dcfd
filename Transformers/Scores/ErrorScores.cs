using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The distance of a column from the truth: sqrt(mean over components of the squared error), averaged over time as the field reports it.
/// </summary>
/// <param name="column">An estimate of the truth's shape, <c>[n]</c>.</param>
/// <param name="name">The score's name (default: the column's name and "RMSE").</param>
public sealed class RootMeanSquareError(Column column, string? name = null) : Score(name ?? $"{column} RMSE", column, Columns.Truth)
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => RowDistance.RootMeanSquare(cycle[column], cycle.Truth);
}

/// <summary>The distance of the observations from the truth, over those that exist; an error only if the operator is the
/// identity.</summary>
/// <param name="name">The score's name.</param>
public sealed class ObservationError(string name = "observation RMSE") : Score(name, Columns.Observation, Columns.Truth)
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation;
        var (values, mask, _) = observation;
        // If another network observed the cycle, its observations are of other places.
        if (observation.Network is not null) return full([cycle.Batch], double.NaN, dtype: ScalarType.Float64);
        if (mask is null) return RowDistance.RootMeanSquare(values, cycle.Truth);
        // Not a number if nothing was observed, which the averages leave out.
        return ((values - cycle.Truth).square().masked_fill(mask.logical_not(), 0).sum(1) / mask.sum(1)).sqrt();
    }
}

/// <summary>The standard deviation that a method claims: sqrt(mean over components of the variance), averaged over time.</summary>
/// <param name="column">The column of the spread, <c>[n]</c>.</param>
/// <param name="name">The score's name (default: the column's name).</param>
public sealed class Spread(Column column, string? name = null) : Score(name ?? column.Name, column)
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => RowDistance.RootMeanSquare(cycle[column]);
}

/// <summary>
/// The ratio of claimed to actual error: the root of the time-mean variance divided by that of the time-mean squared error (Fortin et al.
/// 2014, J. Hydrometeor. 15, 1708-1713). It is one for a method that knows its error, below one for an overconfident method.
/// </summary>
/// <param name="which">The state: forecast or analysis.</param>
/// <param name="members">
/// The number of members if the spread is a sample's (default: null, for a method without an ensemble). The mean of N members has its own
/// error, so that a truth drawn like the members is (1 + 1/N) times their variance away; the score corrects for it.
/// </param>
public sealed class SpreadSkillRatio(ScoredState which, long? members = null)
    : Score($"{ScoredCycle.NameOf(which)} spread-skill ratio", ScoredCycle.ColumnOf(which), ScoredCycle.SpreadOf(which), Columns.Truth),
        IScore<TimeAverage>
{
    private readonly double correction = members is { } n ? 1 + 1.0 / Require.AtLeast(n, 2, nameof(members)) : 1;

    /// <summary>The mean variance and the mean squared error.</summary>
    public override Tensor Of(ScoredCycle cycle) =>
        stack([cycle.Spread(which).square().mean([1]), (cycle.State(which) - cycle.Truth).square().mean([1])], 1);

    /// <inheritdoc/>
    public TimeAverage Summarise(ScoreFigures figures) => figures.Function(means => Math.Sqrt(correction * means[0] / means[1]));
}

namespace DaML;

/// <summary>A figure averaged over the trajectories that did not diverge and over the cycles after the burn-in.</summary>
/// <param name="Mean">The average of the trajectories' averages; not a number if every trajectory diverged.</param>
/// <param name="StandardError">
/// Its standard error, which accounts for correlated successive cycles: the integrated autocovariance (Wolff 2004) of the averages over
/// at most 128 successive blocks of each trajectory. Not a number if there are fewer than two blocks.
/// </param>
/// <param name="PerTrajectory">The average over cycles, for each trajectory; not a number for a trajectory that diverged or had nothing
/// to score.</param>
/// <param name="PerCycle">The average over trajectories that have not diverged so far, for each of the first cycles
/// (<see cref="ScoreOptions.SeriesCycles"/>), the burn-in's included; empty for a figure that does not belong to cycles.</param>
public sealed record TimeAverage(double Mean, double StandardError, IReadOnlyList<double> PerTrajectory, IReadOnlyList<double> PerCycle)
{
    /// <summary>
    /// The median of the trajectories' averages, over all that did not diverge. Those that lost their truth count with their error, so
    /// that a single one does not shift the median as it would a mean. Not a number if every trajectory diverged.
    /// </summary>
    public double Median { get; init; } = double.NaN;

    /// <summary>The number of independent values with the same standard error; not a number if it is unknown.</summary>
    public double EffectiveSamples { get; init; } = double.NaN;

    /// <summary>
    /// The integrated autocorrelation time in cycles: the number of successive cycles that count as one independent value; one for white
    /// noise.
    /// </summary>
    public double AutocorrelationTime { get; init; } = double.NaN;

    /// <inheritdoc/>
    public override string ToString() => $"{Mean:f4} +- {StandardError:f4}";

    /// <summary>The median of the values that are numbers; not a number if there is none.</summary>
    internal static double MedianOf(IEnumerable<double> values)
    {
        double[] ordered = [.. values.Where(value => !double.IsNaN(value)).Order()];
        return ordered.Length == 0 ? double.NaN : 0.5 * (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]);
    }

    /// <summary>The mean of the values that are numbers; not a number if there is none.</summary>
    internal static double MeanOf(IEnumerable<double> values) =>
        values.Where(value => !double.IsNaN(value)).DefaultIfEmpty(double.NaN).Average();
}

namespace DaML;

/// <summary>A figure averaged over the trajectories and the cycles after the burn-in.</summary>
/// <param name="Mean">The average.</param>
/// <param name="StandardError">Its standard error, from the scatter of the means over ten successive blocks of each trajectory; not a number where there are fewer than two blocks.</param>
/// <param name="PerTrajectory">The average over cycles, for each trajectory.</param>
/// <param name="PerCycle">The average over trajectories, for each cycle, the burn-in's included.</param>
public sealed record TimeAverage(double Mean, double StandardError, IReadOnlyList<double> PerTrajectory, IReadOnlyList<double> PerCycle)
{
    private const int Blocks = 10;

    /// <inheritdoc/>
    public override string ToString() => $"{Mean:f4} +- {StandardError:f4}";

    /// <summary>Averages the values of cycles, one for each trajectory; values that are not finite are left out.</summary>
    internal static TimeAverage Of(IReadOnlyList<double[]> cycles, int burnIn)
    {
        int batch = cycles[0].Length, count = cycles.Count - burnIn, blocks = Math.Min(Blocks, count);
        double Block(int trajectory, int from, int to) => FiniteMean(Enumerable.Range(from, to - from).Select(cycle => cycles[cycle][trajectory]));

        var perTrajectory = Enumerable.Range(0, batch).Select(b => Block(b, burnIn, cycles.Count)).ToArray();
        var means = (from b in Enumerable.Range(0, batch)
                     from k in Enumerable.Range(0, blocks)
                     select Block(b, burnIn + count * k / blocks, burnIn + count * (k + 1) / blocks)).Where(double.IsFinite).ToArray();
        double average = FiniteMean(perTrajectory);
        double variance = means.Length < 2 ? double.NaN : means.Sum(mean => (mean - average) * (mean - average)) / (means.Length - 1);
        return new TimeAverage(average, Math.Sqrt(variance / means.Length), perTrajectory, [.. cycles.Select(FiniteMean)]);
    }

    /// <summary>The mean of those values that are finite; not a number where there is none.</summary>
    internal static double FiniteMean(IEnumerable<double> values) => values.Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
}

namespace DaML.Components;

/// <summary>The averages of a score: its figures, and functions of them with standard errors.</summary>
public sealed class ScoreFigures
{
    private readonly BlockAverages averages;
    private readonly IReadOnlyList<TrajectoryOutcome> outcomes;
    private readonly IReadOnlyList<double> perCycle;
    private readonly ThinnedCycles sample;
    private readonly long every;

    internal ScoreFigures(BlockAverages averages, ThinnedCycles sample, IReadOnlyList<TrajectoryOutcome> outcomes,
        IReadOnlyList<double> perCycle, int count, long every)
    {
        (this.averages, this.sample, this.outcomes, this.perCycle, this.every) = (averages, sample, outcomes, perCycle, every);
        Count = count;
    }

    /// <summary>The number of the score's figures.</summary>
    public int Count { get; }

    /// <summary>A figure's average.</summary>
    /// <param name="figure">The number of the figure, from 0.</param>
    public TimeAverage this[int figure] => Function(means => means[figure], Count == 1 ? perCycle : []);

    /// <summary>The averages of all figures.</summary>
    public IReadOnlyList<TimeAverage> All => [.. Enumerable.Range(0, Count).Select(figure => this[figure])];

    /// <summary>A figure's sum over the scored cycles, for each trajectory; not a number for a trajectory that is not scored.</summary>
    /// <param name="figure">The number of the figure, from 0.</param>
    public IReadOnlyList<double> Sums(int figure) =>
        [.. Enumerable.Range(0, outcomes.Count)
            .Select(b => Scored(b) ? averages.Mean(b * Count + figure) * averages.Count(b * Count + figure) : double.NaN)];

    /// <summary>
    /// Computes a smooth function of the averages, for instance a ratio, with the standard error of its linearisation: that of the same
    /// combination of the figures in every block, so that figures may be correlated.
    /// </summary>
    /// <param name="function">The function; its arguments are the averages, one per figure.</param>
    public TimeAverage Function(Func<IReadOnlyList<double>, double> function) => Function(function, []);

    /// <summary>
    /// Computes a quantile of the cycles' figures over all trajectories that are scored. It uses all cycles, or equidistant ones, so that
    /// memory does not grow.
    /// </summary>
    /// <param name="figure">The number of the figure, from 0.</param>
    /// <param name="share">The share below the quantile, between 0 (the smallest) and 1 (the largest).</param>
    public double Quantile(int figure, double share)
    {
        if (!(share is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share,
                $"The share of a quantile must be between 0 and 1; given: {share}.");
        double[] values =
            [.. Enumerable.Range(0, outcomes.Count).Where(Scored).SelectMany(b => sample.Of(b * Count + figure))
                .Where(value => !double.IsNaN(value)).Order()];
        if (values.Length == 0) return double.NaN;
        double place = share * (values.Length - 1);
        int below = (int)place;
        return values[below] + (place - below) * (values[Math.Min(below + 1, values.Length - 1)] - values[below]);
    }

    private TimeAverage Function(Func<IReadOnlyList<double>, double> function, IReadOnlyList<double> series)
    {
        var means = Enumerable.Range(0, outcomes.Count).Select(Means).ToArray();
        double[] perTrajectory = [.. Enumerable.Range(0, outcomes.Count).Select(b => Scored(b) ? function(means[b]) : double.NaN)];
        double[] overall =
            [.. Enumerable.Range(0, Count)
                .Select(figure => TimeAverage.MeanOf(Enumerable.Range(0, outcomes.Count).Where(Scored).Select(b => means[b][figure])))];
        double value = function(overall);
        double median =
            TimeAverage.MedianOf(Enumerable.Range(0, outcomes.Count)
                .Where(b => outcomes[b] != TrajectoryOutcome.Diverged && averages.Count(b * Count) > 0)
            .Select(b => function(means[b])));
        if (!double.IsFinite(value)) return new TimeAverage(value, double.NaN, perTrajectory, series) { Median = median };

        double[] gradient = Gradient(function, overall);
        var replicas = Enumerable.Range(0, outcomes.Count).Where(Scored).Select(b => Combined(b, gradient)).ToList();
        double variance = AutocorrelatedMean.Variance(replicas);
        var average = new TimeAverage(value, Math.Sqrt(variance), perTrajectory, series) { Median = median };
        if (Count > 1 || !(variance > 0)) return average;
        // For one figure: the number of independent values of its scatter that the standard error corresponds to.
        var scored = Enumerable.Range(0, outcomes.Count).Where(Scored).Select(b => b * Count).ToList();
        long count = scored.Sum(averages.Count);
        double scatter = scored.Sum(s => averages.SquaredDeviations(s, overall[0])) / (count - 1);
        return average with { EffectiveSamples = scatter / variance, AutocorrelationTime = every * variance * count / scatter };
    }

    private bool Scored(int b) => outcomes[b] == TrajectoryOutcome.Scored && averages.Count(b * Count) > 0;

    private double[] Means(int b) => [.. Enumerable.Range(0, Count).Select(figure => averages.Mean(b * Count + figure))];

    // sum_i dg/df_i f_i in every block of a trajectory.
    private double[] Combined(int b, double[] gradient)
    {
        double[]? combined = null;
        for (int figure = 0; figure < Count; figure++)
        {
            if (gradient[figure] == 0) continue;
            double[] blocks = averages.BlockMeans(b * Count + figure);
            combined ??= new double[blocks.Length];
            for (int k = 0; k < blocks.Length; k++) combined[k] += gradient[figure] * blocks[k];
        }
        return combined ?? [];
    }

    // By central differences.
    private static double[] Gradient(Func<IReadOnlyList<double>, double> function, double[] at)
    {
        var gradient = new double[at.Length];
        double largest = at.Max(Math.Abs);
        for (int i = 0; i < at.Length; i++)
        {
            double size = Math.Abs(at[i]), step = 1e-6 * (size > 0 ? size : largest > 0 ? largest : 1);    // in the figures' own units
            var (up, down) = ((double[])at.Clone(), (double[])at.Clone());
            up[i] += step;
            down[i] -= step;
            gradient[i] = (function(up) - function(down)) / (up[i] - down[i]);
        }
        return gradient;
    }
}

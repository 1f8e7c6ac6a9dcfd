using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>r(lambda) of <see cref="IncrementScaling{TMemory}"/> averaged over cycles and trajectories, with its scatter.</summary>
/// <param name="scales">The values of lambda that the transformer was given (default: null, <see cref="StandardScales"/>).</param>
/// <exception cref="ArgumentException">There is no value, or one that is not above zero.</exception>
public sealed class IncrementScalingScore(IReadOnlyList<double>? scales = null)
    : Score("increment scaling", Ratios), IScore<IncrementScalingCurve>
{
    private readonly double[] scales = Checked(scales);

    /// <summary>The column of r(lambda), one for each value of lambda; not a number in a cycle without any observation.</summary>
    public static Column Ratios { get; } = new("increment-scaling");

    /// <summary>Two octaves below one and five above, by factors of sqrt(2): the range of the published figure.</summary>
    public static IReadOnlyList<double> StandardScales { get; } = [.. Enumerable.Range(-4, 15).Select(k => Math.Pow(2, k / 2.0))];

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) =>
        Require.Shape(cycle[Ratios], $"The column '{Ratios}'", ColumnDefinition.AnySize, scales.Length);

    /// <inheritdoc/>
    public IncrementScalingCurve Summarise(ScoreFigures figures)
    {
        double[] Quantiles(double share) => [.. Enumerable.Range(0, figures.Count).Select(i => figures.Quantile(i, share))];
        return new(scales, figures.All, Quantiles(0.05), Quantiles(0.5), Quantiles(0.95));
    }

    internal static double[] Checked(IReadOnlyList<double>? scales)
    {
        double[] given = [.. scales ?? StandardScales];
        if (given.Length == 0) throw new ArgumentException("At least one value of lambda is needed.", nameof(scales));
        foreach (double scale in given) Require.Positive(scale, nameof(scales));
        return given;
    }
}

/// <summary>The growth of an analyzer's increments with the innovation.</summary>
/// <param name="Scales">The values of lambda.</param>
/// <param name="Means">r(lambda), the average over cycles and trajectories.</param>
/// <param name="Low">The 5 % quantile of r(lambda) over the cycles.</param>
/// <param name="Median">The median of r(lambda) over the cycles.</param>
/// <param name="High">The 95 % quantile of r(lambda) over the cycles.</param>
public sealed record IncrementScalingCurve(IReadOnlyList<double> Scales, IReadOnlyList<TimeAverage> Means, IReadOnlyList<double> Low,
    IReadOnlyList<double> Median, IReadOnlyList<double> High);

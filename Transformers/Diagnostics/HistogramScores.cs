using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Equal bins, fixed before counting so that memory does not grow; values outside are counted as such.</summary>
/// <param name="Minimum">The lower end of the first bin.</param>
/// <param name="Maximum">The upper end of the last bin.</param>
/// <param name="Count">The number of bins.</param>
public sealed record HistogramBins(double Minimum, double Maximum, int Count = 80)
{
    /// <summary>The number of bins.</summary>
    /// <exception cref="ArgumentException">There is no bin, an end is non-finite, or the ends are not in ascending order.</exception>
    public int Count { get; } = double.IsFinite(Minimum) && double.IsFinite(Maximum) && Minimum < Maximum ? (int)Require.AtLeast(Count, 1)
        : throw new ArgumentException($"Bins need two finite ends, the lower one first; given: {Minimum} and {Maximum}.");

    /// <summary>Makes bins to the same distance on either side of zero.</summary>
    public static HistogramBins Symmetric(double reach, int count = 80) => new(-Require.Positive(reach), reach, count);

    internal double Width => (Maximum - Minimum) / Count;

    // The shares of values below, in each bin, and above; means of the first four powers. Values that are zero to the bit are left out.
    internal Tensor Figures(Tensor values)
    {
        var v = values.to(ScalarType.Float64);
        var exists = (v != 0).to(ScalarType.Float64);
        var number = exists.sum([1], keepdim: true);
        number = where(number == 0, full_like(number, double.NaN), number);
        var bin = ((v - Minimum) / Width).floor().clamp(-1, Count).to(ScalarType.Int64) + 1;
        var counts = zeros([v.size(0), Count + 2], dtype: ScalarType.Float64, device: v.device).scatter_add(1, bin, exists);
        var powers = stack([v.sum([1]), v.pow(2).sum([1]), v.pow(3).sum([1]), v.pow(4).sum([1])], 1);
        return cat([counts, powers], 1) / number;
    }

    internal SampleHistogram Summarise(ScoreFigures figures)
    {
        TimeAverage[] bins = [.. Enumerable.Range(1, Count).Select(i => figures[i])];
        double Central(IReadOnlyList<double> means, int power)
        {
            double a = means[Count + 2], b = means[Count + 3], c = means[Count + 4], d = means[Count + 5];
            return power switch
            {
                2 => b - a * a,
                3 => c - 3 * a * b + 2 * a * a * a,
                _ => d - 4 * a * c + 6 * a * a * b - 3 * a * a * a * a,
            };
        }
        return new SampleHistogram(this, [.. bins.Select(bin => bin.Mean / Width)], [.. bins.Select(bin => bin.StandardError / Width)],
            figures[0].Mean, figures[Count + 1].Mean,
            figures[Count + 2], figures.Function(means => Math.Sqrt(Central(means, 2))),
            figures.Function(means => Central(means, 3) / Math.Pow(Central(means, 2), 1.5)),
            figures.Function(means => Central(means, 4) / Math.Pow(Central(means, 2), 2) - 3));
    }
}

/// <summary>
/// The distribution of numbers over components, cycles and trajectories, beside the normal distribution of their mean and variance.
/// </summary>
/// <param name="Bins">The bins.</param>
/// <param name="Densities">The share of values in each bin divided by its width.</param>
/// <param name="StandardErrors">The standard errors of the densities.</param>
/// <param name="Below">The share of values below the first bin.</param>
/// <param name="Above">The share of values above the last bin.</param>
/// <param name="Mean">The mean of all values; this and the following moments count values outside the bins too.</param>
/// <param name="StandardDeviation">The standard deviation of the values.</param>
/// <param name="Skewness">The skewness of the values; zero for a normal distribution.</param>
/// <param name="ExcessKurtosis">The kurtosis of the values minus three; zero for a normal distribution, above zero if large values are
/// more frequent.</param>
public sealed record SampleHistogram(HistogramBins Bins, IReadOnlyList<double> Densities, IReadOnlyList<double> StandardErrors,
    double Below, double Above,
    TimeAverage Mean, TimeAverage StandardDeviation, TimeAverage Skewness, TimeAverage ExcessKurtosis)
{
    /// <summary>The density of the fitted normal distribution at a value; it has the mean and variance of the values.</summary>
    public double NormalDensity(double value)
    {
        double z = (value - Mean.Mean) / StandardDeviation.Mean;
        return Math.Exp(-z * z / 2) / (Math.Sqrt(2 * Math.PI) * StandardDeviation.Mean);
    }
}

/// <summary>
/// The distribution of projected innovations H^T R^-1 (y - H x_f) along a run (Bocquet et al. 2025, fig. 7); components that no observation
/// reaches are left out.
/// </summary>
/// <param name="network">H and R.</param>
/// <param name="bins">The bins, in units of H^T R^-1 y (default: symmetric about zero to some five standard deviations of the
/// innovations).</param>
public sealed class ProjectedInnovationHistogram(IObservationNetwork network, HistogramBins bins)
    : Score("projected innovations", Columns.Observation, Columns.Forecast), IScore<SampleHistogram>
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var (state, observation) = (cycle.State(ScoredState.Forecast), cycle.Observation.OfOneError(Name));
        var scaled = network.Error.ApplyInverse(observation.Values.to(state.dtype) - network.Operator.Apply(state), observation.Mask);
        return bins.Figures(network.Operator.Adjoint(state, scaled));
    }

    /// <inheritdoc/>
    public SampleHistogram Summarise(ScoreFigures figures) => bins.Summarise(figures);
}

/// <summary>
/// The distribution of analysis increments x_a - x_f along a run; components that the analysis leaves unchanged to the bit are left out.
/// </summary>
/// <param name="bins">The bins, in the state's unit.</param>
public sealed class IncrementHistogram(HistogramBins bins)
    : Score("analysis increments", Columns.Forecast, Columns.Analysis), IScore<SampleHistogram>
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => bins.Figures(cycle.State(ScoredState.Analysis) - cycle.State(ScoredState.Forecast));

    /// <inheritdoc/>
    public SampleHistogram Summarise(ScoreFigures figures) => bins.Summarise(figures);
}

namespace DaML.Components;

/// <summary>Draws the figures that compare diagnostics of several methods or settings, as in Bocquet et al. (2024, 2025).</summary>
public static class DiagnosticFigures
{
    private const double LowestShare = 1e-12;

    /// <summary>
    /// Draws r(lambda) of several runs in logarithmic axes, beside the straight line of an analysis that is linear in the innovation
    /// (2025, fig. 6).
    /// </summary>
    /// <param name="title">The title above it.</param>
    /// <param name="curves">The curves by their names.</param>
    /// <exception cref="ArgumentException">There is no curve.</exception>
    public static LineChart IncrementScaling(string title, IReadOnlyList<KeyValuePair<string, IncrementScalingCurve>> curves)
    {
        AtLeastOne(curves.Count, "increment scalings");
        double[] ends = [curves.Min(curve => curve.Value.Scales.Min()), curves.Max(curve => curve.Value.Scales.Max())];
        return new LineChart(title, new Axis("λ") { Scale = AxisScale.Logarithmic }, new Axis("r(λ)") { Scale = AxisScale.Logarithmic },
            [.. curves.Select(curve => Increasing(curve.Key, curve.Value.Scales, [.. curve.Value.Means.Select(mean => mean.Mean)])),
                Linear(ends)]);
    }

    /// <summary>Draws r(lambda) of one run with the band that holds nine of ten cycles.</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="curve">The curve.</param>
    public static LineChart IncrementScaling(string title, IncrementScalingCurve curve) =>
        new(title, new Axis("λ") { Scale = AxisScale.Logarithmic }, new Axis("r(λ)") { Scale = AxisScale.Logarithmic },
        [
            Increasing("mean", curve.Scales, [.. curve.Means.Select(mean => mean.Mean)]), Increasing("median", curve.Scales, curve.Median),
            Increasing("5 %", curve.Scales, curve.Low), Increasing("95 %", curve.Scales, curve.High),
            Linear([curve.Scales.Min(), curve.Scales.Max()]),
        ]);

    /// <summary>Draws a histogram beside the normal distribution of its mean and variance.</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="axis">The label of the values.</param>
    /// <param name="histogram">The histogram.</param>
    public static Histogram Histogram(string title, Axis axis, SampleHistogram histogram)
    {
        var bins = histogram.Bins;
        double[] places = [.. Enumerable.Range(0, 201).Select(i => bins.Minimum + (bins.Maximum - bins.Minimum) * i / 200)];
        return new Histogram(title, axis, new Axis("density"),
            [.. Enumerable.Range(0, bins.Count + 1).Select(i => bins.Minimum + i * (bins.Maximum - bins.Minimum) / bins.Count)],
            histogram.Densities)
        {
            Curves = [new LineSeries("normal", places, [.. places.Select(histogram.NormalDensity)])],
        };
    }

    /// <summary>
    /// Draws histograms of several runs as lines over a logarithmic density, in which a normal distribution is a parabola (2025, fig. 7).
    /// </summary>
    /// <param name="title">The title above it.</param>
    /// <param name="axis">The label of the values.</param>
    /// <param name="histograms">The histograms by their names.</param>
    /// <exception cref="ArgumentException">There is no histogram.</exception>
    public static LineChart Histograms(string title, Axis axis, IReadOnlyList<KeyValuePair<string, SampleHistogram>> histograms)
    {
        AtLeastOne(histograms.Count, "histograms");
        return new LineChart(title, axis, new Axis("density") { Scale = AxisScale.Logarithmic }, [.. histograms.Select(histogram =>
            LineSeries.Evenly(histogram.Key, histogram.Value.Bins.Minimum + histogram.Value.Bins.Width / 2, histogram.Value.Bins.Width,
                Positive(histogram.Value.Densities)))]);
    }

    /// <summary>Draws time-averaged eigenspectra in a logarithmic axis (2024, fig. 1); values at or below round-off leave a
    /// gap.</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="spectra">The spectra by their names, the largest value first.</param>
    /// <exception cref="ArgumentException">There is no spectrum.</exception>
    public static LineChart Eigenspectra(string title, IReadOnlyList<KeyValuePair<string, IReadOnlyList<TimeAverage>>> spectra)
    {
        AtLeastOne(spectra.Count, "spectra");
        return new LineChart(title, new Axis("mode"), new Axis("eigenvalue") { Scale = AxisScale.Logarithmic },
            [.. spectra.Select(spectrum =>
                LineSeries.Evenly(spectrum.Key, 1, 1, Positive([.. spectrum.Value.Select(value => value.Mean)])))]);
    }

    /// <summary>Draws time-averaged principal angles (2024, fig. 2).</summary>
    /// <param name="title">The title above it.</param>
    /// <param name="angles">The angles of each pair of subspaces by its name, in degrees, the smallest first.</param>
    /// <exception cref="ArgumentException">There are no angles.</exception>
    public static LineChart PrincipalAngles(string title, IReadOnlyList<KeyValuePair<string, IReadOnlyList<TimeAverage>>> angles)
    {
        AtLeastOne(angles.Count, "angles");
        return new LineChart(title, new Axis("principal angle, by size"), new Axis("angle", "°") { Minimum = 0, Maximum = 90 },
            [.. angles.Select(pair =>
                LineSeries.Evenly(pair.Key, 1, 1, [.. pair.Value.Select(angle => angle.Mean)]) with { Markers = true })]);
    }

    private static LineSeries Linear(double[] ends) =>
        new("linear", ends, ends) { Style = LineStyle.Dashed, Color = new(0x55, 0x55, 0x55) };

    private static LineSeries Increasing(string name, IReadOnlyList<double> scales, IReadOnlyList<double> values)
    {
        int[] order = [.. Enumerable.Range(0, scales.Count).OrderBy(i => scales[i])];
        return new(name, [.. order.Select(i => scales[i])], [.. order.Select(i => values[i])]);
    }

    // Keeps the values that a logarithmic axis can show.
    private static double[] Positive(IReadOnlyList<double> values)
    {
        double smallest = LowestShare * values.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        return [.. values.Select(value => value > smallest ? value : double.NaN)];
    }

    private static void AtLeastOne(int count, string what)
    {
        if (count == 0) throw new ArgumentException($"A figure of {what} needs at least one; given: none.");
    }
}

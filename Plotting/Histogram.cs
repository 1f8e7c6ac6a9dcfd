namespace DaML.Plotting;

/// <summary>
/// The frequency of values in bins, with curves to compare, for instance normalised innovations and the standard normal density.
/// </summary>
/// <param name="Title">The title above it; empty for none.</param>
/// <param name="X">The axis of the values.</param>
/// <param name="Y">The axis of the heights.</param>
/// <param name="Edges">The bins' edges, ascending, one more than there are bins.</param>
/// <param name="Heights">The bins' heights, not below zero.</param>
public sealed record Histogram(string Title, Axis X, Axis Y, IReadOnlyList<double> Edges, IReadOnlyList<double> Heights) : Figure(Title)
{
    private const string Fill = "#9ecae1", Stroke = "#4a7fa8";

    /// <summary>The bins' heights.</summary>
    /// <exception cref="ArgumentException">
    /// The number of heights does not fit the edges, the edges do not ascend, or a height is below zero or not finite.
    /// </exception>
    public IReadOnlyList<double> Heights { get; } = Check(Edges, Heights);

    /// <summary>The legend's name for the bins.</summary>
    public string BinName { get; init; } = "measured";

    /// <summary>The curves drawn above the bins.</summary>
    public IReadOnlyList<LineSeries> Curves { get; init; } = [];

    /// <summary>
    /// Makes the histogram of samples as a density: the areas of the bins and the share of samples outside add up to one.
    /// </summary>
    /// <param name="title">The title above it.</param>
    /// <param name="axis">The axis of the values; its ends, if set, are those of the bins.</param>
    /// <param name="samples">The values, finite.</param>
    /// <param name="bins">The number of bins.</param>
    /// <exception cref="ArgumentException">There are no samples, one is not finite, or all are equal.</exception>
    public static Histogram Density(string title, Axis axis, IReadOnlyList<double> samples, int bins)
    {
        Require.AtLeast(bins, 1);
        if (samples.Count == 0 || samples.Any(value => !double.IsFinite(value)))
            throw new ArgumentException(
                $"A histogram needs finite samples; given: {samples.Count}, of which {samples.Count(value => !double.IsFinite(value))} " +
                    $"are not finite.", nameof(samples));
        double low = axis.Minimum ?? samples.Min(), high = axis.Maximum ?? samples.Max();
        if (!(low < high))
            throw new ArgumentException(
                $"A histogram needs samples that differ, or an axis with both ends; the bins would run from {low} to {high}.",
                nameof(samples));
        double width = (high - low) / bins;
        var heights = new double[bins];
        foreach (double value in samples)
            if (value >= low && value <= high)
                heights[Math.Min((int)((value - low) / width), bins - 1)] += 1 / (samples.Count * width);
        string unit = axis.Unit.Length == 0 ? "" : "1/" + axis.Unit;
        return new Histogram(title, axis, new Axis("density", unit), [.. Enumerable.Range(0, bins + 1).Select(i => low + i * width)],
            heights);
    }

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        var legend = new List<PlotFrame.LegendEntry>();
        if (Curves.Count > 0)
        {
            legend.Add(new(BinName,
                (writer, x, y) => writer.Rectangle(new PlotArea(x + 4, y - 5, PlotFrame.KeyWidth - 8, 10), Fill, Stroke)));
            legend.AddRange(Curves.SelectMany((curve, i) => PlotFrame.BandEntries(curve.Bands, CurveColor(i)).Prepend(
                new PlotFrame.LegendEntry(curve.Name,
                    (writer, x, y) => writer.Line(x, y, x + PlotFrame.KeyWidth, y, CurveColor(i), 2, CurveStyle(i))))));
        }
        var below = PlotFrame.Below(area, Title, legend);
        var (xLow, xHigh) = X.Range(Edges[0], Edges[^1], 0);
        double top = Heights.Concat(Curves.SelectMany(curve => curve.Values)).Max();
        var (_, yHigh) = Y.Range(0, top, 0.05);
        double yLow = Y.Minimum ?? 0;
        var (inside, x, y, xTicks, yTicks) = PlotFrame.Fit(below, X, xLow, xHigh, Y, yLow, yHigh);

        PlotFrame.GridLines(svg, inside, x, y, xTicks, yTicks);
        svg.BeginClip(inside);
        for (int i = 0; i < Heights.Count; i++)
            if (Heights[i] > 0)
                svg.Rectangle(
                    new PlotArea(x.Pixel(Edges[i]), y.Pixel(Heights[i]), x.Pixel(Edges[i + 1]) - x.Pixel(Edges[i]),
                        inside.Bottom - y.Pixel(Heights[i])), Fill, Stroke);
        for (int i = 0; i < Curves.Count; i++)
        {
            foreach (var band in Curves[i].Bands) band.Draw(svg, Curves[i].X, x, y, CurveColor(i));
            foreach (var run in LinePath.Runs(Curves[i], x, y)) svg.Polyline(LinePath.Thin(run), CurveColor(i), 2, CurveStyle(i));
        }
        svg.EndClip();
        PlotFrame.Head(svg, area, inside, Title, legend);
        PlotFrame.Axes(svg, inside, x, y, xTicks, yTicks);
    }

    private string CurveColor(int i) => Curves[i].Color?.ToString() ?? (i % 2 == 0 ? "#d55e00" : SvgWriter.Ink);

    private LineStyle CurveStyle(int i) => Curves[i].Style ?? (i % 2 == 0 ? LineStyle.Solid : LineStyle.Dashed);

    private static IReadOnlyList<double> Check(IReadOnlyList<double> edges, IReadOnlyList<double> heights)
    {
        if (heights.Count == 0 || edges.Count != heights.Count + 1)
            throw new ArgumentException(
                $"A histogram needs one edge more than bins, and at least one bin; given: {edges.Count} edges and {heights.Count} " +
                    $"heights.");
        if (edges.Any(edge => !double.IsFinite(edge)) || edges.Zip(edges.Skip(1)).Any(pair => pair.First >= pair.Second))
            throw new ArgumentException("A histogram's edges must be finite and ascend.");
        if (heights.Any(height => !(height >= 0) || double.IsInfinity(height)))
            throw new ArgumentException("A histogram's heights must be finite and not below zero.");
        return heights;
    }
}

namespace DaML.Plotting;

/// <summary>One line of a <see cref="LineChart"/>.</summary>
/// <param name="Name">The name in the legend.</param>
/// <param name="X">The places of the points, finite.</param>
/// <param name="Y">The values of the points; NaN leaves a gap in the line.</param>
public sealed record LineSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>The values.</summary>
    /// <exception cref="ArgumentException">
    /// The lengths differ, a place is not finite, a value is infinite, or all values are NaN.
    /// </exception>
    public IReadOnlyList<double> Y { get; } = Check(Name, X, Y);

    /// <summary>The dashes of the line (default: null, a style that differs from its neighbours').</summary>
    public LineStyle? Style { get; init; }

    /// <summary>The colour of the line (default: null, the next of the palette).</summary>
    public RgbColor? Color { get; init; }

    /// <summary>Whether points are marked, which suits a line of few points (default: false).</summary>
    public bool Markers { get; init; }

    /// <summary>Bands shaded behind the line in its colour, the widest first (default: none).</summary>
    /// <exception cref="ArgumentException">A band does not have as many values as the line.</exception>
    public IReadOnlyList<LineBand> Bands
    {
        get;
        init
        {
            foreach (var band in value)
                if (band.Lower.Count != X.Count)
                    throw new ArgumentException(
                        $"The band '{band.Name}' has {band.Lower.Count} values and the line '{Name}' has {X.Count}; it needs as many.");
            field = value;
        }
    } = [];

    /// <summary>The finite values of the line and of its bands.</summary>
    internal IEnumerable<double> Values =>
        Bands.SelectMany(band => band.Lower.Concat(band.Upper)).Concat(Y).Where(value => !double.IsNaN(value));

    /// <summary>Makes a line over equally spaced places.</summary>
    /// <param name="name">The name in the legend.</param>
    /// <param name="first">The place of the first value.</param>
    /// <param name="step">The distance between places.</param>
    /// <param name="values">The values.</param>
    public static LineSeries Evenly(string name, double first, double step, IReadOnlyList<double> values) =>
        new(name, [.. Enumerable.Range(0, values.Count).Select(i => first + i * step)], values);

    private static IReadOnlyList<double> Check(string name, IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count != y.Count)
            throw new ArgumentException($"The line '{name}' has {x.Count} places and {y.Count} values; it needs a place for each value.");
        if (x.Any(value => !double.IsFinite(value))) throw new ArgumentException($"The line '{name}' has a place that is not finite.");
        if (y.Any(double.IsInfinity)) throw new ArgumentException($"The line '{name}' has an infinite value; use NaN for a gap.");
        if (y.All(double.IsNaN)) throw new ArgumentException($"The line '{name}' has no value to draw.");
        return y;
    }
}

/// <summary>A level drawn across a chart, for instance a published score.</summary>
/// <param name="Name">The name in the legend.</param>
/// <param name="Value">The level.</param>
public sealed record ReferenceLine(string Name, double Value);

/// <summary>Lines over a common axis.</summary>
/// <param name="Title">The title above it; empty for none.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Series">The lines, at least one.</param>
public sealed record LineChart(string Title, Axis X, Axis Y, IReadOnlyList<LineSeries> Series) : Figure(Title)
{
    // Okabe and Ito's colours, which colour-blind readers can tell apart; yellow is left out because it is too faint on white.
    internal static readonly IReadOnlyList<RgbColor> Palette =
    [
        new(0x00, 0x72, 0xB2), new(0xD5, 0x5E, 0x00), new(0x00, 0x9E, 0x73), new(0xCC, 0x79, 0xA7),
        new(0xE6, 0x9F, 0x00), new(0x56, 0xB4, 0xE9), new(0x1a, 0x1a, 0x1a),
    ];

    /// <summary>The lines.</summary>
    /// <exception cref="ArgumentException">There are no lines, or a value cannot be drawn on a logarithmic axis.</exception>
    public IReadOnlyList<LineSeries> Series { get; } = Check(X, Y, Series);

    /// <summary>Levels drawn across the chart (default: none).</summary>
    public IReadOnlyList<ReferenceLine> References { get; init; } = [];

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        var legend = Series.SelectMany((series, i) => PlotFrame.BandEntries(series.Bands, Color(i)).Prepend(
            new PlotFrame.LegendEntry(series.Name, (writer, x, y) =>
            {
                writer.Line(x, y, x + PlotFrame.KeyWidth, y, Color(i), 2, Style(i));
                if (series.Markers) writer.Circle(x + PlotFrame.KeyWidth / 2, y, 3.2, Color(i));
            }))).Concat(References.Select((reference, i) => new PlotFrame.LegendEntry(reference.Name, (writer, x, y) =>
            writer.Line(x, y, x + PlotFrame.KeyWidth, y, Grey(i), 1.3, Broken(i))))).ToList();
        if (legend.Count == 1) legend.Clear();    // a single line is named by the axis
        var below = PlotFrame.Below(area, Title, legend);

        var numbers = Series.SelectMany(series => series.Values).Where(value => Y.Scale == AxisScale.Linear || value > 0)
            .Concat(References.Select(reference => reference.Value)).ToList();
        var (xLow, xHigh) = X.Range(Series.Min(series => series.X.Min()), Series.Max(series => series.X.Max()), 0);
        var (yLow, yHigh) = Y.Range(numbers.Min(), numbers.Max(), 0.05);
        var (inside, x, y, xTicks, yTicks) = PlotFrame.Fit(below, X, xLow, xHigh, Y, yLow, yHigh);

        PlotFrame.GridLines(svg, inside, x, y, xTicks, yTicks);
        svg.BeginClip(inside);
        for (int i = 0; i < Series.Count; i++)
            foreach (var band in Series[i].Bands) band.Draw(svg, Series[i].X, x, y, Color(i));
        for (int i = 0; i < References.Count; i++)
            svg.Line(inside.Left, y.Pixel(References[i].Value), inside.Right, y.Pixel(References[i].Value), Grey(i), 1.3, Broken(i));
        for (int i = 0; i < Series.Count; i++)
        {
            foreach (var run in LinePath.Runs(Series[i], x, y)) svg.Polyline(LinePath.Thin(run), Color(i), 1.8, Style(i));
        }
        svg.EndClip();
        for (int i = 0; i < Series.Count; i++)    // whole also at the edge
            if (Series[i].Markers)
                foreach (var (px, py) in LinePath.Runs(Series[i], x, y).SelectMany(run => run)
                    .Where(point => inside.Contains(point.X, point.Y))) svg.Circle(px, py, 3.2, Color(i));
        PlotFrame.Head(svg, area, inside, Title, legend);
        PlotFrame.Axes(svg, inside, x, y, xTicks, yTicks);
    }

    private string Color(int i) => (Series[i].Color ?? Palette[i % Palette.Count]).ToString();

    private LineStyle Style(int i) => Series[i].Style ?? (LineStyle)(i / Palette.Count % 4);

    private static string Grey(int i) => i % 2 == 0 ? "#555555" : "#8a8a8a";

    private static LineStyle Broken(int i) => i % 2 == 0 ? LineStyle.Dashed : LineStyle.Dotted;

    private static IReadOnlyList<LineSeries> Check(Axis x, Axis y, IReadOnlyList<LineSeries> series)
    {
        if (series.Count == 0) throw new ArgumentException("A line chart needs at least one line.", nameof(series));
        foreach (var line in series)
        {
            if (x.Scale == AxisScale.Logarithmic && line.X.Any(value => value <= 0))
                throw new ArgumentException(
                    $"The line '{line.Name}' has a place that is not above zero; the axis '{x.Label}' is logarithmic.");
            if (y.Scale == AxisScale.Logarithmic && line.Y.Concat(line.Bands.SelectMany(band => band.Upper)).Any(value => value <= 0))
                throw new ArgumentException(
                    $"The line '{line.Name}' or the upper edge of its band has a value that is not above zero; the axis '{y.Label}' is " +
                        "logarithmic.");
        }
        return series;
    }
}

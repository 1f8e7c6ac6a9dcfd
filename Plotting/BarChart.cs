using System.Globalization;

namespace DaML.Plotting;

/// <summary>A bar of a <see cref="BarChart"/>.</summary>
/// <param name="Name">The name of the bar.</param>
/// <param name="Value">Its length, finite.</param>
/// <param name="Reference">A figure to compare with, drawn as a diamond (default: null, none).</param>
public sealed record Bar(string Name, double Value, double? Reference = null)
{
    /// <summary>The range in which the value may lie, drawn as a whisker across the bar's end (default: null, none).</summary>
    public (double Low, double High)? Range { get; init; }
}

/// <summary>Named values as horizontal bars with their figures beside them, for instance the scores of methods.</summary>
/// <param name="Title">The title above it; empty for none.</param>
/// <param name="Axis">The quantity of the bars; bars begin at zero.</param>
/// <param name="Bars">The bars from top to bottom, at least one.</param>
public sealed record BarChart(string Title, Axis Axis, IReadOnlyList<Bar> Bars) : Figure(Title)
{
    private const string Fill = "#0072b2", ReferenceFill = "#e69f00";

    /// <summary>The bars from top to bottom.</summary>
    /// <exception cref="ArgumentException">There are no bars, one is not finite, or the axis is logarithmic.</exception>
    public IReadOnlyList<Bar> Bars { get; } = Check(Axis, Bars);

    /// <summary>The legend's name for the figures to compare with.</summary>
    public string ReferenceName { get; init; } = "published";

    /// <summary>The number of decimals in the figures beside the bars.</summary>
    public int Decimals { get; init; } = 3;

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        PlotFrame.LegendEntry[] legend = Bars.All(bar => bar.Reference is null) ? [] :
        [
            new("measured", (writer, x, y) => writer.Rectangle(new PlotArea(x + 4, y - 5, PlotFrame.KeyWidth - 8, 10), Fill)),
            new(ReferenceName, (writer, x, y) => Diamond(writer, x + PlotFrame.KeyWidth / 2, y)),
        ];
        var below = PlotFrame.Below(area, Title, legend);
        var places = new Axis("");
        var inside = PlotFrame.Inside(below, Axis, places, Bars.Select(bar => bar.Name));
        var (low, high) = Range(inside.Width);
        var xTicks = PlotFrame.HorizontalTicks(Axis, low, high, inside.Width);
        var x = new AxisMap(Axis, low, high, inside.Left, inside.Right);
        var y = new AxisMap(places, 0, Bars.Count, inside.Top, inside.Bottom);

        PlotFrame.GridLines(svg, inside, x, y, xTicks, []);
        double thickness = Math.Min(24, 0.62 * inside.Height / Bars.Count);
        for (int i = 0; i < Bars.Count; i++)
        {
            double middle = y.Pixel(i + 0.5), zero = x.Pixel(Math.Clamp(0, low, high)), end = x.Pixel(Math.Clamp(Bars[i].Value, low, high));
            svg.Rectangle(new PlotArea(Math.Min(zero, end), middle - thickness / 2, Math.Abs(end - zero), thickness), Fill);
            double beside = Math.Max(end, Bars[i].Reference is { } known && Bars[i].Value >= 0 ? x.Pixel(known) + 6 : end);
            if (Bars[i].Range is { } range)
            {
                double from = x.Pixel(range.Low), to = x.Pixel(range.High);
                svg.Line(from, middle, to, middle, SvgWriter.Ink, 1.3);
                foreach (double at in (double[])[from, to]) svg.Line(at, middle - 4, at, middle + 4, SvgWriter.Ink, 1.3);
                beside = Math.Max(beside, to);
            }
            if (Bars[i].Reference is { } reference) Diamond(svg, x.Pixel(reference), middle);
            if (Bars[i].Value >= 0) svg.Text(beside + 5, middle + 4, Figure(Bars[i].Value), PlotFrame.TickSize);
            else svg.Text(end - 5, middle + 4, Figure(Bars[i].Value), PlotFrame.TickSize, TextAnchor.End);
        }
        PlotFrame.Head(svg, area, inside, Title, legend);
        PlotFrame.Axes(svg, inside, x, y, xTicks, []);
        for (int i = 0; i < Bars.Count; i++)
            svg.Text(inside.Left - 8, y.Pixel(i + 0.5) + 4, Bars[i].Name, PlotFrame.TickSize, TextAnchor.End);
    }

    // From zero or the lowest value to the highest, widened by the space that the figures beside the bars need.
    private (double Low, double High) Range(double width)
    {
        var values = Bars.SelectMany(bar => (double[])[bar.Value, bar.Reference ?? 0, bar.Range?.Low ?? 0, bar.Range?.High ?? 0]).Append(0)
            .ToList();
        var (low, high) = Axis.Range(values.Min(), values.Max(), 0);
        double label = Bars.Max(bar => SvgWriter.TextWidth(Figure(bar.Value), PlotFrame.TickSize)) + 14;
        int sides = values.Min() < 0 ? 2 : 1;
        double room = (high - low) * label / Math.Max(width - sides * label, 1);
        return (Axis.Minimum is null && sides == 2 ? low - room : low, Axis.Maximum is null ? high + room : high);
    }

    private string Figure(double value) => value.ToString("F" + Decimals, CultureInfo.InvariantCulture).Replace('-', '\u2212');

    private static void Diamond(SvgWriter svg, double x, double y) =>
        svg.Polygon([(x, y - 6), (x + 5, y), (x, y + 6), (x - 5, y)], ReferenceFill, SvgWriter.Ink, 1);

    private static IReadOnlyList<Bar> Check(Axis axis, IReadOnlyList<Bar> bars)
    {
        if (bars.Count == 0) throw new ArgumentException("A bar chart needs at least one bar.", nameof(bars));
        if (axis.Scale == AxisScale.Logarithmic)
            throw new ArgumentException("Bars begin at zero, which a logarithmic axis does not have.", nameof(axis));
        foreach (var bar in bars)
            if (!double.IsFinite(bar.Value) || bar.Reference is { } reference && !double.IsFinite(reference) || bar.Range is { } range
                && !(double.IsFinite(range.High - range.Low) && range.Low <= range.High))
                throw new ArgumentException(
                    $"The bar '{bar.Name}' must have finite figures, and a range from low to high; given: {bar.Value}, {bar.Reference} " +
                        $"and {bar.Range}.", nameof(bars));
        return bars;
    }
}

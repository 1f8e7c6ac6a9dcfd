namespace DaML.Plotting;

/// <summary>
/// The common part of plots with two axes: margins that leave space for every label, grid lines, ticks, titles and a legend above.
/// </summary>
internal static class PlotFrame
{
    public const double TitleSize = 15, LabelSize = 13, TickSize = 12;
    private const double LeastLeft = 58, Gap = 6, LegendRow = 18, Between = 18;

    /// <summary>An entry of a legend.</summary>
    public sealed record LegendEntry(string Name, Action<SvgWriter, double, double> DrawKey);

    /// <summary>The width of a legend's key in pixels.</summary>
    public const double KeyWidth = 26;

    /// <summary>The entries of a line's bands of this colour: as dark as each is above those before it.</summary>
    public static IEnumerable<LegendEntry> BandEntries(IReadOnlyList<LineBand> bands, string color) =>
        bands.Select((band, i) => new LegendEntry(band.Name, (svg, x, y) =>
        {
            for (int above = 0; above <= i; above++)
                svg.Rectangle(new PlotArea(x + 2, y - 5, KeyWidth - 4, 10), color, opacity: LineBand.Opacity);
        })).Where(entry => entry.Name.Length > 0);

    /// <summary>The area that title and legend leave.</summary>
    public static PlotArea Below(PlotArea area, string title, IReadOnlyList<LegendEntry> legend) =>
        area.Inset(0, (title.Length > 0 ? 34 : 10) + (legend.Count > 0 ? LegendRow * Rows(area, legend).Count + 8 : 0), 0, 0);

    /// <summary>Draws title and legend above the middle of the data.</summary>
    public static void Head(SvgWriter svg, PlotArea area, PlotArea inside, string title, IReadOnlyList<LegendEntry> legend)
    {
        svg.Text(inside.CenterX, area.Top + 22, title, TitleSize, TextAnchor.Middle, bold: true);
        double y = area.Top + (title.Length > 0 ? 34 : 10) + 8;
        var rows = legend.Count == 0 ? [] : Rows(area, legend);
        double left = rows.Select(row => inside.CenterX - row.Sum(Width) / 2 + Between / 2).DefaultIfEmpty(0).Min();
        left = Math.Clamp(left, area.Left + 12,
            Math.Max(area.Left + 12, area.Right - rows.Select(row => row.Sum(Width)).DefaultIfEmpty(0).Max()));
        foreach (var row in rows)
        {
            double x = left;
            for (int i = 0; i < row.Length; i++)
            {
                row[i].DrawKey(svg, x, y);
                svg.Text(x + KeyWidth + 6, y + 4, row[i].Name, TickSize);
                x += rows.Count == 1 ? Width(row[i]) : rows.Where(other => i < other.Length).Max(other => Width(other[i]));
            }
            y += LegendRow;
        }
    }

    private static double Width(LegendEntry entry) => KeyWidth + 6 + SvgWriter.TextWidth(entry.Name, TickSize) + Between;

    /// <summary>The legend in one row if it fits, otherwise in columns as wide as its longest name.</summary>
    private static List<LegendEntry[]> Rows(PlotArea area, IReadOnlyList<LegendEntry> legend)
    {
        double room = area.Width - 24;
        if (legend.Sum(Width) <= room) return [[.. legend]];
        int columns = Math.Clamp((int)(room / legend.Max(Width)), 1, legend.Count);
        int rows = (legend.Count + columns - 1) / columns;
        return [.. legend.Chunk((legend.Count + rows - 1) / rows)];
    }

    /// <summary>The part of an area that remains for the data when axes are drawn around it.</summary>
    /// <param name="area">The whole area.</param>
    /// <param name="x">The horizontal axis.</param>
    /// <param name="y">The vertical axis.</param>
    /// <param name="yLabels">The vertical ticks' labels.</param>
    /// <param name="right">The margin on the right, in pixels.</param>
    public static PlotArea Inside(PlotArea area, Axis x, Axis y, IEnumerable<string> yLabels, double right = 22)
    {
        double labels = yLabels.Select(label => SvgWriter.TextWidth(label, TickSize)).DefaultIfEmpty(0).Max();
        double left = Math.Max(LeastLeft, Gap + labels + Gap + (y.Title.Length > 0 ? LabelSize + 14 : 6));
        double bottom = Gap + TickSize + 6 + (x.Title.Length > 0 ? LabelSize + 8 : 4);
        return area.Inset(left, 4, right, bottom);
    }

    /// <summary>
    /// The place of data with given ranges in an area: the area inside the axes, the maps from values to pixels, and the ticks.
    /// </summary>
    public static (PlotArea Inside, AxisMap X, AxisMap Y, IReadOnlyList<Tick> XTicks, IReadOnlyList<Tick> YTicks) Fit(
        PlotArea area, Axis x, double xLow, double xHigh, Axis y, double yLow, double yHigh)
    {
        var yTicks = VerticalTicks(y, yLow, yHigh, area.Height - 50);
        var inside = Inside(area, x, y, yTicks.Select(tick => tick.Label));
        var xTicks = HorizontalTicks(x, xLow, xHigh, inside.Width);
        return (inside, new AxisMap(x, xLow, xHigh, inside.Left, inside.Right), new AxisMap(y, yLow, yHigh, inside.Bottom, inside.Top),
            xTicks, yTicks);
    }

    /// <summary>The ticks of a horizontal axis, few enough that their labels do not touch.</summary>
    public static IReadOnlyList<Tick> HorizontalTicks(Axis axis, double minimum, double maximum, double width)
    {
        for (int most = 10; ; most--)
        {
            var ticks = Ticks.Of(axis, minimum, maximum, most);
            var labels = ticks.Where(tick => tick.Label.Length > 0).ToList();
            double needed = labels.Select(tick => SvgWriter.TextWidth(tick.Label, TickSize)).DefaultIfEmpty(0).Max() + 14;
            if (most == 2 || labels.Count * needed <= width) return ticks;
        }
    }

    /// <summary>The ticks of a vertical axis with a given height.</summary>
    public static IReadOnlyList<Tick> VerticalTicks(Axis axis, double minimum, double maximum, double height) =>
        Ticks.Of(axis, minimum, maximum, Math.Clamp((int)(height / 26), 2, 10));

    /// <summary>Draws grid lines behind the data.</summary>
    public static void GridLines(SvgWriter svg, PlotArea inside, AxisMap x, AxisMap y, IReadOnlyList<Tick> xTicks,
        IReadOnlyList<Tick> yTicks)
    {
        foreach (var tick in xTicks.Where(tick => tick.Label.Length > 0))
            svg.Line(x.Pixel(tick.Value), inside.Top, x.Pixel(tick.Value), inside.Bottom, SvgWriter.Grid);
        foreach (var tick in yTicks.Where(tick => tick.Label.Length > 0))
            svg.Line(inside.Left, y.Pixel(tick.Value), inside.Right, y.Pixel(tick.Value), SvgWriter.Grid);
    }

    /// <summary>Draws the box, the ticks outside it, their labels, and the axes' titles.</summary>
    public static void Axes(SvgWriter svg, PlotArea inside, AxisMap x, AxisMap y, IReadOnlyList<Tick> xTicks, IReadOnlyList<Tick> yTicks)
    {
        svg.Rectangle(inside, "none", SvgWriter.Ink);
        foreach (var tick in xTicks)
        {
            double at = x.Pixel(tick.Value);
            svg.Line(at, inside.Bottom, at, inside.Bottom + (tick.Label.Length > 0 ? 5 : 3), SvgWriter.Ink);
            svg.Text(at, inside.Bottom + Gap + TickSize, tick.Label, TickSize, TextAnchor.Middle);
        }
        double widest = 0;
        foreach (var tick in yTicks)
        {
            double at = y.Pixel(tick.Value);
            svg.Line(inside.Left - (tick.Label.Length > 0 ? 5 : 3), at, inside.Left, at, SvgWriter.Ink);
            svg.Text(inside.Left - Gap - 2, at + 4, tick.Label, TickSize, TextAnchor.End);
            widest = Math.Max(widest, SvgWriter.TextWidth(tick.Label, TickSize));
        }
        svg.Text(inside.CenterX, inside.Bottom + Gap + TickSize + 8 + LabelSize, x.Axis.Title, LabelSize, TextAnchor.Middle);
        svg.Text(inside.Left - Gap - widest - 12, inside.CenterY, y.Axis.Title, LabelSize, TextAnchor.Middle, rotate: -90);
    }
}

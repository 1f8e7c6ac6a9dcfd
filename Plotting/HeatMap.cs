namespace DaML.Plotting;

/// <summary>An axis of equally spaced cells.</summary>
/// <param name="Axis">The axis.</param>
/// <param name="First">The middle of the first cell.</param>
/// <param name="Step">The distance between cells; negative if the first cell is the highest, as is usual for latitudes.</param>
public sealed record CellAxis(Axis Axis, double First, double Step)
{
    /// <summary>The distance between cells.</summary>
    /// <exception cref="ArgumentException">
    /// First or step is not finite, the step is zero, or the axis is logarithmic, on which equally spaced cells would differ in width.
    /// </exception>
    public double Step { get; } = double.IsFinite(First) && double.IsFinite(Step) && Step != 0 && Axis.Scale == AxisScale.Linear ? Step
        : throw new ArgumentException(
            $"A cell axis needs a linear axis, a finite first place and a finite step that is not zero; given: {Axis.Scale}, {First} " +
                $"and {Step}.");

    /// <summary>The outer edges of a number of cells, the lower one first.</summary>
    internal (double Low, double High) Edges(int count)
    {
        double from = First - Step / 2, to = First + (count - 0.5) * Step;
        return from < to ? (from, to) : (to, from);
    }
}

/// <summary>
/// A field over two axes as coloured cells: a Hovmöller diagram if one axis is time. Cells without a value are grey, and the colour bar
/// says so.
/// </summary>
/// <param name="Title">The title above it; empty for none.</param>
/// <param name="Values">The field, <c>[along y, along x]</c>; NaN where there is no value.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis; its first cell is drawn at the bottom if its step is positive.</param>
/// <param name="Color">The assignment of colours to values.</param>
public sealed record HeatMap(string Title, double[,] Values, CellAxis X, CellAxis Y, ColorScale Color) : Figure(Title)
{
    /// <summary>The field, <c>[along y, along x]</c>.</summary>
    /// <exception cref="ArgumentException">The field has no cells or no values, or a value is infinite.</exception>
    public double[,] Values { get; } = CellRaster.Check(Values);

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        var below = PlotFrame.Below(area, Title, []);
        var (xLow, xHigh) = X.Edges(Values.GetLength(1));
        var (yLow, yHigh) = Y.Edges(Values.GetLength(0));
        var yTicks = PlotFrame.VerticalTicks(Y.Axis, yLow, yHigh, below.Height - 50);
        var inside = PlotFrame.Inside(below, X.Axis, Y.Axis, yTicks.Select(tick => tick.Label),
            CellRaster.BarSpace(Color, below.Height - 50));
        var xTicks = PlotFrame.HorizontalTicks(X.Axis, xLow, xHigh, inside.Width);
        svg.Image(inside, CellRaster.Png(Values, X.Step < 0, Y.Step > 0, Color));
        PlotFrame.Head(svg, area, inside, Title, []);
        PlotFrame.Axes(svg, inside, new AxisMap(X.Axis, xLow, xHigh, inside.Left, inside.Right),
            new AxisMap(Y.Axis, yLow, yHigh, inside.Bottom, inside.Top), xTicks, yTicks);
        CellRaster.DrawBar(svg, inside, Values, Color);
    }
}

/// <summary>Draws coloured cells as a small picture, and the colour bar that explains them.</summary>
internal static class CellRaster
{
    private const int Shades = 255;    // and one for missing values
    private const int Sharp = 1000;
    private const double BarGap = 14, BarWidth = 14, TipHeight = 9;
    private static readonly RgbColor Missing = new(0xbd, 0xbd, 0xbd);

    public static double[,] Check(double[,] values)
    {
        if (values.Length == 0)
            throw new ArgumentException($"A field needs at least one cell; given: {values.GetLength(0)} x {values.GetLength(1)}.",
                nameof(values));
        if (values.Cast<double>().Any(double.IsInfinity))
            throw new ArgumentException("A field has infinite values; use NaN for a cell without a value.", nameof(values));
        if (values.Cast<double>().All(double.IsNaN))
            throw new ArgumentException("A field has no value to draw: all of its cells are NaN.", nameof(values));
        return values;
    }

    /// <summary>The shade of a value, 0 to 254, or 255 for a missing value.</summary>
    public static byte Shade(double value, ColorScale color) => double.IsNaN(value) ? (byte)Shades
        : (byte)Math.Min(Math.Floor(color.Share(value) * Shades), Shades - 1);

    public static IReadOnlyList<RgbColor> Palette(ColorMap map) =>
        [.. Enumerable.Range(0, Shades).Select(i => map.At(i / (Shades - 1.0))), Missing];

    public static byte[] Png(double[,] values, bool mirror, bool firstRowBelow, ColorScale color)
    {
        int rows = values.GetLength(0), columns = values.GetLength(1);
        // pixels in a cell: viewers that smooth pictures then blur only the edges
        int size = Math.Clamp(Sharp / Math.Max(rows, columns), 1, 16);
        var pixels = new byte[size * rows, size * columns];
        for (int i = 0; i < size * rows; i++)
            for (int j = 0; j < size * columns; j++)
                pixels[i, j] = Shade(values[firstRowBelow ? rows - 1 - i / size : i / size, mirror ? columns - 1 - j / size : j / size],
                    color);
        return PngWriter.Write(pixels, Palette(color.Map));
    }

    /// <summary>The space that the colour bar and its labels need.</summary>
    public static double BarSpace(ColorScale color, double height)
    {
        double labels = PlotFrame.VerticalTicks(color.Axis, color.Minimum, color.Maximum, height)
            .Max(tick => SvgWriter.TextWidth(tick.Label, PlotFrame.TickSize));
        return Math.Max(92, BarGap + BarWidth + 8 + labels + (color.Axis.Title.Length > 0 ? PlotFrame.LabelSize + 16 : 8));
    }

    /// <summary>Draws the bar beside a plot: pointed if values lie beyond its ends, with a grey key if values are missing.</summary>
    public static void DrawBar(SvgWriter svg, PlotArea plot, double[,] values, ColorScale color)
    {
        var present = values.Cast<double>().Where(double.IsFinite);
        bool below = present.Any(value => value < color.Minimum), above = present.Any(value => value > color.Maximum);
        bool missing = values.Cast<double>().Any(double.IsNaN);
        double foot = missing ? 24 : 0;
        var bar = new PlotArea(plot.Right + BarGap, plot.Top + TipHeight, BarWidth, plot.Height - 2 * TipHeight - foot);

        var shades = new byte[Shades, 1];
        for (int i = 0; i < Shades; i++) shades[i, 0] = (byte)(Shades - 1 - i);
        var palette = Palette(color.Map);
        svg.Image(bar, PngWriter.Write(shades, palette));
        if (above) svg.Polygon([(bar.Left, bar.Top), (bar.Right, bar.Top), (bar.CenterX, bar.Top - TipHeight)],
            palette[Shades - 1].ToString(), SvgWriter.Ink, 0.8);
        if (below) svg.Polygon([(bar.Left, bar.Bottom), (bar.Right, bar.Bottom), (bar.CenterX, bar.Bottom + TipHeight)],
            palette[0].ToString(), SvgWriter.Ink, 0.8);
        svg.Rectangle(bar, "none", SvgWriter.Ink, 0.8);

        var map = new AxisMap(color.Axis, color.Minimum, color.Maximum, bar.Bottom, bar.Top);
        double widest = 0;
        foreach (var tick in PlotFrame.VerticalTicks(map.Axis, color.Minimum, color.Maximum, bar.Height))
        {
            double at = map.Pixel(tick.Value);
            svg.Line(bar.Right, at, bar.Right + 4, at, SvgWriter.Ink, 0.8);
            svg.Text(bar.Right + 8, at + 4, tick.Label, PlotFrame.TickSize);
            widest = Math.Max(widest, SvgWriter.TextWidth(tick.Label, PlotFrame.TickSize));
        }
        svg.Text(bar.Right + 8 + widest + PlotFrame.LabelSize, bar.CenterY, color.Axis.Title, PlotFrame.LabelSize, TextAnchor.Middle,
            rotate: -90);
        if (!missing) return;
        svg.Rectangle(new PlotArea(bar.Left, plot.Bottom - 13, BarWidth, 12), SvgWriter.Missing, SvgWriter.Ink, 0.8);
        svg.Text(bar.Right + 8, plot.Bottom - 3, "no value", PlotFrame.TickSize);
    }
}

namespace DaML.Tests;

public sealed class PlottingHeatMapTests
{
    private static readonly RgbColor Missing = new(0xbd, 0xbd, 0xbd);
    private static readonly CellAxis Sites = new(new Axis("site"), 0, 1), Times = new(new Axis("time", "days"), 0.5, 0.5);

    private static HeatMap Map(double[,] values, ColorScale? color = null, CellAxis? x = null, CellAxis? y = null) =>
        new("field", values, x ?? Times, y ?? Sites, color ?? ColorScale.Sequential(0, 10, new Axis("height", "m")));

    [Fact]
    public void EveryCellHasTheColourOfItsValueAndMissingOnesAreGrey()
    {
        var random = new Random(5);
        var values = new double[7, 11];
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 11; j++) values[i, j] = 10 * random.NextDouble();
        values[2, 3] = double.NaN;
        values[0, 0] = -4;
        values[6, 10] = 99;
        var drawing = new PlottingDrawing(Map(values));
        var picture = drawing.Pictures[0];
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 11; j++)
            {
                var drawn = picture.Cell(6 - i, j, 7, 11);    // the first row is the lowest
                if (double.IsNaN(values[i, j])) Assert.Equal(Missing, drawn);
                else AssertClose(ColorMap.Viridis.At(values[i, j] / 10), drawn);
            }
        Assert.Contains(drawing.Texts, text => text.Text == "no value");
        Assert.Equal(2, drawing.Elements("polygon").Count());    // both tips: values lie beyond both ends
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(-1, 1)]
    [InlineData(1, -1)]
    public void AxesThatRunBackwardsTurnThePicture(double xStep, double yStep)
    {
        var values = new double[,] { { 0, 2, 4 }, { 6, 8, 10 } };
        var picture =
            new PlottingDrawing(
                Map(values, x: new CellAxis(new Axis("x"), 5, xStep), y: new CellAxis(new Axis("y"), 5, yStep))).Pictures[0];
        double lowerLeft = values[yStep > 0 ? 0 : 1, xStep > 0 ? 0 : 2];
        AssertClose(ColorMap.Viridis.At(lowerLeft / 10), picture.Cell(1, 0, 2, 3));
    }

    [Fact]
    public void CellsStandAtTheirTicks()
    {
        var drawing = new PlottingDrawing(Map(new double[40, 200].Fill((i, j) => i + j)));
        var picture = drawing.Pictures[0];
        var time = PlottingDrawing.Calibrate(drawing.HorizontalTicks);
        Assert.Equal(0.25, time(picture.X), 0.1);    // the left edge of the cell centred on 0.5
        Assert.Equal(100.25, time(picture.X + picture.DrawnWidth), 0.1);
        var site = PlottingDrawing.Calibrate(drawing.VerticalTicks);
        Assert.Equal(-0.5, site(picture.Y + picture.DrawnHeight), 0.05);
        Assert.Equal(39.5, site(picture.Y), 0.05);
    }

    [Fact]
    public void TheColourBarRunsFromEndToEnd()
    {
        var drawing = new PlottingDrawing(Map(new double[,] { { -3, 3 } }, ColorScale.Diverging(12, new Axis("error", "hPa"))));
        var bar = drawing.Pictures[1];
        AssertClose(ColorMap.BlueWhiteRed.At(1), bar.Cell(0, 0, 255, 1));
        AssertClose(ColorMap.BlueWhiteRed.At(0), bar.Cell(254, 0, 255, 1));
        AssertClose(ColorMap.BlueWhiteRed.At(0.5), bar.Cell(127, 0, 255, 1));
        var ticks = drawing.Texts.Where(text => text.X == bar.X + bar.DrawnWidth + 8).Select(text => (text.Text, text.Y - 4)).ToList();
        var value = PlottingDrawing.Calibrate(ticks);
        Assert.Equal(12, value(bar.Y), 0.05);
        Assert.Equal(-12, value(bar.Y + bar.DrawnHeight), 0.05);
        Assert.Contains(ticks, tick => tick.Text == "0");
        Assert.Empty(drawing.Elements("polygon"));    // nothing lies beyond the ends
        Assert.Contains(drawing.Texts, text => text.Text == "error (hPa)");
    }

    [Fact]
    public void FourHovmoellerPanelsAreSmall()
    {
        var random = new Random(2);
        var panel = Map(new double[40, 400].Fill((_, _) => 10 * random.NextDouble()));
        var grid = new FigureGrid("all", [panel, panel, panel, panel]);
        Assert.InRange(grid.ToSvg().Length, 10_000, 350_000);    // noise, the worst case for any packing
        var drawing = new PlottingDrawing(grid);
        Assert.Equal(4 * panel.Height + 32, PlottingDrawing.Number(drawing.Root, "height"));
        foreach (string letter in (string[])["(a)", "(b)", "(c)", "(d)"]) Assert.Single(drawing.Texts, text => text.Text == letter);
        var tops = drawing.Pictures.Where((_, i) => i % 2 == 0).ToList();
        foreach (var (above, below) in tops.Zip(tops.Skip(1))) Assert.True(above.Y + above.DrawnHeight < below.Y);
        Assert.Single(tops.Select(picture => (picture.X, picture.DrawnWidth)).Distinct());
    }

    [Fact]
    public void ColourMapsAreEvenInLightness()
    {
        double[] viridis = [.. Enumerable.Range(0, 101).Select(i => Lightness(ColorMap.Viridis.At(i / 100.0)))];
        for (int i = 1; i <= 100; i++) Assert.InRange(viridis[i] - viridis[i - 1], 0.3, 1.4);
        for (int i = 0; i <= 100; i++) Assert.Equal(viridis[0] + i / 100.0 * (viridis[100] - viridis[0]), viridis[i], 2.5);

        double[] diverging = [.. Enumerable.Range(0, 101).Select(i => Lightness(ColorMap.BlueWhiteRed.At(i / 100.0)))];
        for (int i = 0; i <= 100; i++)
        {
            Assert.Equal(diverging[100 - i], diverging[i], 1.0);                                   // both sides equally dark
            Assert.Equal(97 + Math.Abs(i - 50) / 50.0 * (33 - 97), diverging[i], 1.0);              // straight
        }
        var white = ColorMap.BlueWhiteRed.At(0.5);
        Assert.True(white.R == white.G && white.G == white.B && white.R > 240);
        Assert.True(ColorMap.BlueWhiteRed.At(0) is { B: > 120, R: < 60 } && ColorMap.BlueWhiteRed.At(1) is { R: > 120, B: < 60 });
    }

    [Fact]
    public void RoundReachClipsNothing()
    {
        Assert.Equal(12, ColorScale.RoundReach(new double[,] { { -11.3, 4 } }));
        Assert.Equal(0.4, ColorScale.RoundReach(new double[,] { { 0.37, double.NaN } }), 1e-12);
        Assert.Equal(1, ColorScale.RoundReach(new double[,] { { 0 } }));
    }

    [Fact]
    public void BadInputIsRefused()
    {
        Assert.Contains("at least one cell", Assert.Throws<ArgumentException>(() => Map(new double[0, 3])).Message);
        Assert.Contains("all of its cells are NaN", Assert.Throws<ArgumentException>(() => Map(new double[,] { { double.NaN } })).Message);
        Assert.Contains("infinite", Assert.Throws<ArgumentException>(() => Map(new double[,] { { 1, double.NegativeInfinity } })).Message);
        Assert.Contains("2 and 1", Assert.Throws<ArgumentException>(() => ColorScale.Sequential(2, 1, new Axis("v"))).Message);
        Assert.Contains("not zero", Assert.Throws<ArgumentException>(() => new CellAxis(new Axis("x"), 0, 0)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => ColorScale.Diverging(0, new Axis("v")));
        Assert.Throws<ArgumentException>(() => ColorMap.Viridis.At(double.NaN));
    }

    private static void AssertClose(RgbColor expected, RgbColor actual)
    {
        int distance = Math.Max(Math.Abs(expected.R - actual.R),
            Math.Max(Math.Abs(expected.G - actual.G), Math.Abs(expected.B - actual.B)));
        Assert.True(distance <= 4, $"expected {expected}, drawn {actual}");    // the shades are a 255th of the scale apart
    }

    // CIELAB's L*, IEC 61966-2-1 for the linear channels.
    private static double Lightness(RgbColor color)
    {
        static double Linear(byte channel) => channel / 255.0 is var c && c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
        double y = 0.2126729 * Linear(color.R) + 0.7151522 * Linear(color.G) + 0.0721750 * Linear(color.B);
        return y > 216.0 / 24389 ? 116 * Math.Cbrt(y) - 16 : 24389.0 / 27 * y;
    }
}

internal static class ArrayFilling
{
    public static double[,] Fill(this double[,] array, Func<int, int, double> value)
    {
        for (int i = 0; i < array.GetLength(0); i++)
            for (int j = 0; j < array.GetLength(1); j++) array[i, j] = value(i, j);
        return array;
    }
}

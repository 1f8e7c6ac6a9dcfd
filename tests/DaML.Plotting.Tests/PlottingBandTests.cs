using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>Bands around lines: their edges, gaps, legends and logarithmic axes.</summary>
public sealed class PlottingBandTests
{
    private static readonly double[] Places = [0, 1, 2, 3, 4];

    private static LineSeries Line(params LineBand[] bands) => new("mean", Places, [2, 3, 4, 3, 2]) { Bands = bands };

    private static PlottingDrawing Draw(LineSeries line, AxisScale scale = AxisScale.Linear) =>
        new(new LineChart("bands", new Axis("time"), new Axis("y") { Scale = scale }, [line]));

    private static List<XElement> Bands(PlottingDrawing drawing) =>
        [.. drawing.Elements("polygon").Where(polygon => polygon.Attribute("fill-opacity") is not null)];

    // The corners of a band as values of the axes.
    private static List<(double X, double Y)> Corners(PlottingDrawing drawing, XElement polygon, bool logarithmic = false)
    {
        var x = PlottingDrawing.Calibrate(drawing.HorizontalTicks);
        var y = PlottingDrawing.Calibrate(drawing.VerticalTicks, logarithmic);
        return [.. PlottingDrawing.Points(polygon).Select(point => (Math.Round(x(point.X), 2), Math.Round(y(point.Y), 2)))];
    }

    [Fact]
    public void ABandGoesAlongItsLowerEdgeAndBackAlongTheUpperOne()
    {
        var drawing = Draw(Line(LineBand.Around("spread", [2, 3, 4, 3, 2], [1, 0.5, 1, 0.25, 0], 2)));
        Assert.Equal([(0, 0), (1, 2), (2, 2), (3, 2.5), (4, 2), (4, 2), (3, 3.5), (2, 6), (1, 4), (0, 4)],
            Corners(drawing, Bands(drawing).Single()));
        Assert.Equal(["mean", "spread"], drawing.Texts.Where(text => text.Text is "mean" or "spread").Select(text => text.Text));
        string line = drawing.Elements("polyline").Single().Attribute("stroke")!.Value;
        Assert.Equal(line, Bands(drawing).Single().Attribute("fill")!.Value);
        Assert.True(drawing.Root.ToString().IndexOf("<polygon", StringComparison.Ordinal)
            < drawing.Root.ToString().IndexOf("<polyline", StringComparison.Ordinal));    // behind the line
    }

    [Fact]
    public void QuantilesLieInsideOneAnotherAndAGapDividesABand()
    {
        var drawing = Draw(Line(new LineBand("5 to 95 %", [0, 0, 0, 0, 0], [6, 6, 6, 6, 6]),
            new LineBand("", [1, 1, double.NaN, 1, 1], [5, 5, 5, 5, 5])));
        Assert.Equal(3, Bands(drawing).Count);
        Assert.Equal([(0, 1), (1, 1), (1, 5), (0, 5)], Corners(drawing, Bands(drawing)[1]));
        Assert.Equal([(3, 1), (4, 1), (4, 5), (3, 5)], Corners(drawing, Bands(drawing)[2]));
        Assert.Contains(drawing.Texts, text => text.Text == "5 to 95 %");
        Assert.Equal(1, drawing.Elements("rect").Count(key => key.Attribute("fill-opacity") is not null));    // no key without a name
    }

    [Fact]
    public void OnALogarithmicAxisAnEdgeBelowZeroIsDrawnAtTheLowerEnd()
    {
        var line = new LineSeries("mean", [0, 1, 2], [1, 10, 100]) { Bands = [new LineBand("spread", [-3, 0.1, 10], [10, 100, 1000])] };
        var drawing = new PlottingDrawing(new LineChart("log", new Axis("time"),
            new Axis("y") { Scale = AxisScale.Logarithmic, Minimum = 0.01, Maximum = 1000 }, [line]));
        Assert.Equal([(0, 0.01), (1, 0.1), (2, 10), (2, 1000), (1, 100), (0, 10)], Corners(drawing, Bands(drawing).Single(), true));
        var below = new LineSeries("mean", [0, 1], [1, 1]) { Bands = [new LineBand("b", [-2, -2], [2, -1])] };
        Assert.Contains("'mean' or the upper edge of its band", Assert.Throws<ArgumentException>(() => Draw(below, AxisScale.Logarithmic))
            .Message);
    }

    [Fact]
    public void AHistogramsCurveHasItsBand()
    {
        var histogram = new Histogram("ranks", new Axis("rank"), new Axis("frequency"), [-0.5, 0.5, 1.5], [0.4, 0.6])
            { Curves = [new LineSeries("flat", [-0.5, 1.5], [0.5, 0.5])
                { Bands = [LineBand.Around("± 2 standard errors", [0.5, 0.5], [0.1, 0.1], 2)] }] };
        var drawing = new PlottingDrawing(histogram);
        Assert.Equal([(-0.5, 0.3), (1.5, 0.3), (1.5, 0.7), (-0.5, 0.7)], Corners(drawing, Bands(drawing).Single()));
        Assert.Contains(drawing.Texts, text => text.Text == "± 2 standard errors");
    }

    [Fact]
    public void BandsRefuseBadInput()
    {
        static string Refusal(Func<object> make) => Assert.Throws<ArgumentException>(make).Message;
        Assert.Contains("'b' runs from 2 to 1 at place 1", Refusal(() => new LineBand("b", [0, 2], [1, 1])));
        Assert.Contains("'b' has 2 lower and 3 upper values", Refusal(() => new LineBand("b", [0, 2], [1, 3, 4])));
        Assert.Contains("at place 0", Refusal(() => new LineBand("b", [double.NegativeInfinity], [1])));
        Assert.Contains("no place with both edges", Refusal(() => new LineBand("b", [double.NaN, 1], [1, double.NaN])));
        Assert.Contains("'b' has 2 values and the line 'mean' has 5", Refusal(() => Line(new LineBand("b", [0, 2], [1, 3]))));
        Assert.Contains("'b' has 2 values and 1 spreads", Refusal(() => LineBand.Around("b", [0, 2], [1])));
        Assert.Contains("runs from", Refusal(() => LineBand.Around("b", [0, 2], [1, -1])));
        Assert.Throws<ArgumentOutOfRangeException>(() => LineBand.Around("b", [0, 2], [1, 1], 0));
    }

    [Fact]
    public void ALogarithmicColourScaleGivesEqualRatiosEqualSteps()
    {
        var scale = ColorScale.Sequential(0.01, 100, new Axis("variance") { Scale = AxisScale.Logarithmic });
        double[,] values = { { 0.01, 0.1, 1, 10, 100, 1e-5 } };
        var cells = new CellAxis(new Axis("x"), 0, 1);
        var drawing = new PlottingDrawing(new HeatMap("h", values, cells, cells, scale));
        double[] shares = [0, 63, 127, 191, 254, 0];    // of 255 shades
        for (int i = 0; i < shares.Length; i++)
            Assert.Equal(ColorMap.Viridis.At(shares[i] / 254), drawing.Pictures[0].Cell(0, i, 1, 6));
        foreach (string label in (string[])["0.01", "0.1", "1", "10", "100"]) Assert.Contains(drawing.Texts, text => text.Text == label);
        Assert.Contains("both above zero; given: 0 and 1", Assert.Throws<ArgumentException>(
            () => ColorScale.Sequential(0, 1, new Axis("v") { Scale = AxisScale.Logarithmic })).Message);
        Assert.Contains("needs a linear axis", Assert.Throws<ArgumentException>(
            () => new CellAxis(new Axis("x") { Scale = AxisScale.Logarithmic }, 1, 1)).Message);
    }
}

using System.Xml.Linq;

namespace DaML.Tests;

public sealed class PlottingOtherFiguresTests
{
    private static readonly ColorScale Pressure = ColorScale.Sequential(980, 1040, new Axis("sea-level pressure", "hPa"));

    // 2.5 degrees from 80 W to 0 and from 70 N to 30 N, as the reanalysis stores the North Atlantic.
    private static MapPlot Map(params MapMarker[] markers) =>
        new("map", new double[17, 33].Fill((i, j) => 1000 + i + j), 280, 2.5, 70, -2.5, Pressure)
            { Markers = markers, MarkerName = "site" };

    [Fact]
    public void AMapHasDegreesOfTheirTrueShapeAndCompassPoints()
    {
        var drawing = new PlottingDrawing(Map());
        var picture = drawing.Pictures[0];
        double longitude = picture.DrawnWidth / 82.5, latitude = picture.DrawnHeight / 42.5;
        Assert.Equal(Math.Cos(50 * Math.PI / 180), longitude / latitude, 0.005);
        Assert.Equal(["75°W", "60°W", "45°W", "30°W", "15°W", "0°"], drawing.HorizontalTicks.Select(tick => tick.Text));
        Assert.Equal("30°N", drawing.VerticalTicks[0].Text);
    }

    [Fact]
    public void ASiteStandsAtItsCoordinates()
    {
        var drawing = new PlottingDrawing(Map(new MapMarker(320, 45), new MapMarker(290, 62.5, 1010)));
        var marks = drawing.Elements("circle").Take(2).ToList();    // the last is the legend's
        var east = PlottingDrawing.Calibrate(
            [.. drawing.HorizontalTicks.Select(tick => (tick.Text.EndsWith('W') ? "-" + tick.Text.Split('°')[0] : "0", tick.X))]);
        var north = PlottingDrawing.Calibrate([.. drawing.VerticalTicks.Select(tick => (tick.Text.Split('°')[0], tick.Y))]);
        Assert.Equal(-40, east(PlottingDrawing.Number(marks[0], "cx")), 0.05);
        Assert.Equal(45, north(PlottingDrawing.Number(marks[0], "cy")), 0.05);
        Assert.Equal("#ffffff", marks[0].Attribute("fill")!.Value);
        Assert.Equal(ColorMap.Viridis.At(127 / 254.0).ToString(), marks[1].Attribute("fill")!.Value);    // 1010 is the middle of the scale
        var outside = Assert.Throws<ArgumentException>(() => Map(new MapMarker(200, 45)).ToSvg());
        Assert.Contains("longitude 200", outside.Message);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(-60)]
    [InlineData(660)]
    public void OutlinesAreDrawnInsideTheMapWhateverTheirTurn(double longitude)
    {
        var map = Map() with
            { Outlines =
                [[(longitude, 40.0), (longitude + 10, 50.0), (longitude + 100, 80.0), (longitude + 120, 85.0), (longitude + 130, 80.0)],
                [(100, -10), (120, -20)]] };
        var drawing = new PlottingDrawing(map);
        var lines = drawing.Elements("polyline").ToList();
        Assert.Equal(2, lines.Count);    // one outline, its halo and its line; the other is on the far side
        Assert.Equal(3, PlottingDrawing.Points(lines[0]).Count);    // up to the first corner that cannot be seen
        Assert.Equal("svg", lines[0].Parent!.Name.LocalName);
        Assert.Equal("hidden", lines[0].Parent!.Attribute("overflow")!.Value);
        Assert.Equal(drawing.Pictures[0].DrawnWidth, PlottingDrawing.Number(lines[0].Parent!, "width"));
        var east = PlottingDrawing.Calibrate(
            [.. drawing.HorizontalTicks.Select(tick => (tick.Text.EndsWith('W') ? "-" + tick.Text.Split('°')[0] : "0", tick.X))]);
        Assert.Equal(-60, east(PlottingDrawing.Points(lines[0])[0].X), 0.05);
    }

    [Fact]
    public void CoastsAreWhereTheyAre()
    {
        Assert.Equal(134, Coastlines.World.Count);
        Assert.All(Coastlines.World.SelectMany(coast => coast),
            point => Assert.True(point is { Longitude: >= -180 and <= 180, Latitude: >= -90 and <= 90 }));
        double Nearest(double longitude, double latitude) =>
            Coastlines.World.SelectMany(coast => coast)
                .Min(point => Math.Max(Math.Abs(point.Longitude - longitude), Math.Abs(point.Latitude - latitude)));
        Assert.True(Nearest(-9.5, 38.7) < 1);      // Cabo da Roca
        Assert.True(Nearest(-5.7, 50.1) < 1);      // Land's End
        Assert.True(Nearest(-30, 45) > 5);         // the open Atlantic
        Assert.InRange((Map() with { Outlines = Coastlines.World }).ToSvg().Length, 5_000, 60_000);
    }

    [Fact]
    public void AHistogramIsADensity()
    {
        double[] samples = [-9, 0.1, 0.2, 0.3, 1.5, 1.6, 2.5, 3.0, 9, 9];
        var histogram = Histogram.Density("h", new Axis("z", "hPa") { Minimum = 0, Maximum = 3 }, samples, 3);
        Assert.Equal([0, 1, 2, 3], histogram.Edges);
        Assert.Equal([0.3, 0.2, 0.2], histogram.Heights.Select(height => Math.Round(height, 12)));
        Assert.Equal("1/hPa", histogram.Y.Unit);
        var drawing = new PlottingDrawing(histogram with { Curves = [LineSeries.Evenly("expected", 0, 1, [0.1, 0.2, 0.2, 0.1])] });
        Assert.Contains(drawing.Texts, text => text.Text == "expected");
        Assert.Contains(drawing.Texts, text => text.Text == "density (1/hPa)");
        var heights = drawing.Elements("rect").Where(rect => (string?)rect.Attribute("fill") == "#9ecae1").SkipLast(1)
            .Select(rect => PlottingDrawing.Number(rect, "height")).ToList();
        Assert.Equal(1.5, heights[0] / heights[1], 0.01);
    }

    [Fact]
    public void AHistogramRefusesBadInput()
    {
        Assert.Contains("1 are not finite",
            Assert.Throws<ArgumentException>(() => Histogram.Density("h", new Axis("z"), [1, 2, double.NaN], 3)).Message);
        Assert.Throws<ArgumentException>(() => Histogram.Density("h", new Axis("z"), [], 3));
        Assert.Throws<ArgumentException>(() => Histogram.Density("h", new Axis("z"), [2, 2], 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Histogram.Density("h", new Axis("z"), [1, 2], 0));
        Assert.Throws<ArgumentException>(() => new Histogram("h", new Axis("z"), new Axis("n"), [0, 1], [1, 2]));
        Assert.Throws<ArgumentException>(() => new Histogram("h", new Axis("z"), new Axis("n"), [0, 1, 1], [1, 2]));
        Assert.Throws<ArgumentException>(() => new Histogram("h", new Axis("z"), new Axis("n"), [0, 1, 2], [1, -2]));
    }

    [Fact]
    public void BarsAreAsLongAsTheirValues()
    {
        var drawing =
            new PlottingDrawing(
                new BarChart("scores", new Axis("RMSE"),
                    [new("observations", 1.0, 1.0), new("3D-Var", 0.4, 0.40), new("learned & <new>", 0.25)]));
        var bars = drawing.Elements("rect").Where(rect => (string?)rect.Attribute("fill") == "#0072b2").SkipLast(1)
            .Select(rect => PlottingDrawing.Number(rect, "width")).ToList();
        Assert.Equal(0.4, bars[1] / bars[0], 1e-3);
        Assert.Equal(0.25, bars[2] / bars[0], 1e-3);
        Assert.Equal(2 + 1, drawing.Elements("polygon").Count());    // two references and the legend's
        foreach (string text in (string[])["1.000", "0.400", "0.250", "learned & <new>", "published"])
            Assert.Contains(drawing.Texts, drawn => drawn.Text == text);
        Assert.Contains("'x'", Assert.Throws<ArgumentException>(() => new BarChart("t", new Axis("a"), [new("x", double.NaN)])).Message);
        Assert.Throws<ArgumentException>(() => new BarChart("t", new Axis("a"), []));
        Assert.Throws<ArgumentException>(() => new BarChart("t", new Axis("a") { Scale = AxisScale.Logarithmic }, [new("x", 1)]));
    }

    [Fact]
    public void NothingIsDrawnOutsideOfTheFigure()
    {
        Figure[] figures =
        [
            Map(new MapMarker(300, 50)),
            new BarChart("scores", new Axis("RMSE"), [new("a method with a rather long name", 1.0), new("negative", -0.4)]),
            Histogram.Density("h", new Axis("z"), [1, 2, 3, 4, 4.5], 4),
            new LineChart("line", new Axis("x"), new Axis("y", "10³ km"), [LineSeries.Evenly("s", 0, 1, [-123456, 654321])]),
            new HeatMap("field", new double[,] { { -1e-7, 2e-7 } }, new CellAxis(new Axis("x"), 0, 1), new CellAxis(new Axis("y"), 1e6, 1),
                ColorScale.Diverging(2e-7, new Axis("vorticity", "1/s"))),
        ];
        foreach (var figure in figures)
            foreach (var text in new PlottingDrawing(figure).Elements("text"))
            {
                double x = PlottingDrawing.Number(text, "x"), y = PlottingDrawing.Number(text, "y"),
                    width = 0.5 * PlottingDrawing.Number(text, "font-size") * text.Value.Length;
                if (text.Attribute("transform") is not null) width = 0;    // it stands upright
                double left = (string?)text.Attribute("text-anchor") switch { "middle" => x - width / 2, "end" => x - width, _ => x };
                Assert.True(left >= 0 && left + width <= figure.Width && y >= 0
                    && y <= figure.Height, $"'{text.Value}' of '{figure.Title}' stands at {left}, {y}");
            }
    }

    [Fact]
    public void APageNeedsNothingBesideItself()
    {
        var report = new HtmlReport("A < B & C", [
            new ReportParagraph("5 < 6 & \"so\" on"),
            new ReportTable("RMSE", ["method", "measured"], [["<3D-Var>", "0.40"], ["learned", "0.26"]]),
            new ReportHeading("Figures"),
            new ReportFigure(Map(), "A map & its caption"),
            new ReportFigure(new FigureGrid("", [Map(), Map()], 2), "Two maps"),
            new ReportSettings(new Dictionary<string, object> { ["seed"] = 7, ["minutes"] = 2.5, ["device"] = "cpu" })]);
        string html = report.ToHtml();
        Assert.StartsWith("<!DOCTYPE html>", html);
        var page = XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!;
        string Text(string name) =>
            string.Join("|", page.Descendants().Where(element => element.Name.LocalName == name).Select(element => element.Value));
        Assert.Equal("A < B & C", Text("h1"));
        Assert.Equal("<3D-Var>|0.40|learned|0.26", Text("td"));
        Assert.Equal("7|2.5|cpu", Text("dd"));
        Assert.Equal("A map & its caption|Two maps", Text("figcaption"));
        foreach (var attribute in page.Descendants().Attributes().Where(attribute => attribute.Name.LocalName is "href" or "src"))
            Assert.StartsWith("data:image/png;base64,", attribute.Value);
        Assert.DoesNotContain("url(", html);
        Assert.DoesNotContain("@import", html);
        Assert.Empty(page.Descendants().Attributes("id"));    // drawings in one page share no names that could clash
        Assert.Throws<ArgumentException>(() => new ReportTable("t", ["a", "b"], [["1"]]));
    }
}

using System.Globalization;

namespace DaML.Tests;

public sealed class PlottingLineChartTests
{
    private static LineChart Chart(Axis x, Axis y, params LineSeries[] series) => new("title", x, y, series);

    private static LineChart Ranged(double minimum, double maximum, AxisScale scale = AxisScale.Linear) =>
        Chart(new Axis("x") { Minimum = minimum, Maximum = maximum, Scale = scale }, new Axis("y"),
            new LineSeries("line", [minimum, maximum], [0, 1]));

    [Theory]
    [InlineData(0, 1, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0")]
    [InlineData(0, 100, "0 10 20 30 40 50 60 70 80 90 100")]
    [InlineData(980, 1041, "980 990 1000 1010 1020 1030 1040")]
    [InlineData(-0.031, 0.031, "−0.03 −0.02 −0.01 0.00 0.01 0.02 0.03")]
    [InlineData(0, 4e7, "0 1×10⁷ 2×10⁷ 3×10⁷ 4×10⁷")]
    public void TicksStandAtRoundNumbers(double minimum, double maximum, string expected) =>
        Assert.Equal(expected.Split(' '), new PlottingDrawing(Ranged(minimum, maximum)).HorizontalTicks.Select(tick => tick.Text));

    [Theory]
    [InlineData(0.001, 10, "0.001 0.01 0.1 1 10")]
    [InlineData(0.2, 3, "0.2 0.5 1 2")]
    [InlineData(1e-10, 1, "10⁻¹⁰ 10⁻⁹ 10⁻⁸ 10⁻⁷ 10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³ 10⁻² 10⁻¹ 10⁰")]
    [InlineData(1e-24, 1, "10⁻²⁴ 10⁻²¹ 10⁻¹⁸ 10⁻¹⁵ 10⁻¹² 10⁻⁹ 10⁻⁶ 10⁻³ 10⁰")]
    [InlineData(2, 3, "2.0 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 3.0")]
    public void LogarithmicTicksStandAtDecadesOrRoundNumbers(double minimum, double maximum, string expected) =>
        Assert.Equal(expected.Split(' '),
            new PlottingDrawing(Ranged(minimum, maximum, AxisScale.Logarithmic)).HorizontalTicks.Select(tick => tick.Text));

    [Fact]
    public void TicksAreEvenTheirLabelsTrueAndApart()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 300; trial++)
        {
            double minimum = (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-7, 8)),
                maximum = minimum + Math.Pow(10, random.Next(-6, 8)) * (0.1 + random.NextDouble());
            if ((maximum - minimum) / Math.Abs(minimum) < 1e-6) continue;
            var ticks = new PlottingDrawing(Ranged(minimum, maximum)).HorizontalTicks;
            Assert.InRange(ticks.Count, 2, 12);
            var value = PlottingDrawing.Calibrate(ticks);
            foreach (var (text, at) in ticks) Assert.Equal(PlottingDrawing.Value(text), value(at), 1e-4 * (maximum - minimum));
            foreach (var (left, right) in ticks.Zip(ticks.Skip(1)))
                Assert.True(right.X - left.X > 6.2 * Math.Max(left.Text.Length, right.Text.Length),
                    $"'{left.Text}' and '{right.Text}' touch for {minimum} to {maximum}");
        }
    }

    [Theory]
    [InlineData(AxisScale.Linear)]
    [InlineData(AxisScale.Logarithmic)]
    public void APointStandsWhereTheTicksSay(AxisScale scale)
    {
        double[] x = [0, 1, 2.5, 7, 10], y = [0.3, 4, 1.7, 0.9, 25];
        var drawing =
            new PlottingDrawing(Chart(new Axis("time", "days"), new Axis("error", "hPa") { Scale = scale }, new LineSeries("line", x, y)));
        var points = PlottingDrawing.Points(drawing.Elements("polyline").Single());
        var horizontal = PlottingDrawing.Calibrate(drawing.HorizontalTicks);
        var vertical = PlottingDrawing.Calibrate(drawing.VerticalTicks, scale == AxisScale.Logarithmic);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(x[i], horizontal(points[i].X), 0.001 * 10);
            Assert.Equal(y[i], vertical(points[i].Y), scale == AxisScale.Linear ? 0.01 : 0.002 * y[i]);
        }
        Assert.Contains(drawing.Texts, text => text.Text == "time (days)");
        Assert.Contains(drawing.Texts, text => text.Text == "error (hPa)");
    }

    [Fact]
    public void AValueThatIsNotANumberLeavesAGap()
    {
        var drawing =
            new PlottingDrawing(
                Chart(new Axis("x"), new Axis("y"), LineSeries.Evenly("line", 0, 1, [1, 2, double.NaN, 3, 4, 5, double.NaN, 6])));
        Assert.Equal([2, 3, 2], drawing.Elements("polyline").Select(line => PlottingDrawing.Points(line).Count));
    }

    [Fact]
    public void MarkersAreWholeAtTheEdgeAndAbsentBeyondIt()
    {
        var chart = Chart(new Axis("x") { Minimum = 0, Maximum = 2 }, new Axis("y"),
            LineSeries.Evenly("line", 0, 1, [1, 2, 3, 4]) with { Markers = true });
        var marks = new PlottingDrawing(chart).Elements("circle").ToList();
        Assert.Equal(3, marks.Count);    // the fourth lies beyond the axis
        Assert.All(marks, mark => Assert.Null(mark.Parent!.Attribute("overflow")));
    }

    [Fact]
    public void ManyPointsMakeASmallDrawingThatKeepsTheExtremes()
    {
        var random = new Random(1);
        double[] values = [.. Enumerable.Range(0, 200_000).Select(_ => random.NextDouble())];
        values[77_777] = 9;
        values[123_456] = -5;
        var chart = Chart(new Axis("x"), new Axis("y"), LineSeries.Evenly("line", 0, 1, values));
        Assert.InRange(chart.ToSvg().Length, 1000, 100_000);
        var drawing = new PlottingDrawing(chart);
        var points = PlottingDrawing.Points(drawing.Elements("polyline").Single());
        var horizontal = PlottingDrawing.Calibrate(drawing.HorizontalTicks);
        var vertical = PlottingDrawing.Calibrate(drawing.VerticalTicks);
        var top = points.MinBy(point => point.Y);
        var bottom = points.MaxBy(point => point.Y);
        Assert.Equal(9, vertical(top.Y), 0.05);
        Assert.Equal(77_777, horizontal(top.X), 300d);
        Assert.Equal(-5, vertical(bottom.Y), 0.05);
        Assert.Equal(123_456, horizontal(bottom.X), 300d);
    }

    [Fact]
    public void TextIsEscapedAndCharactersUnknownToXmlAreReplaced()
    {
        const string title = "a < b & \"c\" > 'd' \u00e9 \U0001F600";
        var drawing =
            new PlottingDrawing(
                new LineChart(title + "\u0001", new Axis("<x>"), new Axis("y & z"),
                    [LineSeries.Evenly("<s>", 0, 1, [1, 2]), LineSeries.Evenly("t&u", 0, 1, [2, 1])]));
        Assert.Contains(drawing.Texts, text => text.Text == title + "\uFFFD");
        foreach (string label in (string[])["<x>", "y & z", "<s>", "t&u"]) Assert.Contains(drawing.Texts, text => text.Text == label);
    }

    [Fact]
    public void NumbersDoNotDependOnTheCulture()
    {
        var chart = Ranged(-1.5, 2.5);
        string expected = chart.ToSvg();
        var before = CultureInfo.CurrentCulture;
        try
        {
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            other.NumberFormat = new NumberFormatInfo { NumberDecimalSeparator = ",", NegativeSign = "~", NumberGroupSeparator = "." };
            CultureInfo.CurrentCulture = other;
            Assert.Equal("-1,5", (-1.5).ToString(CultureInfo.CurrentCulture).Replace('~', '-'));    // the culture is in force
            Assert.Equal(expected, chart.ToSvg());
        }
        finally { CultureInfo.CurrentCulture = before; }
    }

    [Fact]
    public void TheLegendNamesEveryLineOnce()
    {
        string[] names = ["observations", "3D-Var", "learned", "ETKF, 20 members", "ETKF, 40 members", "EnKF-N, 20 members",
            "EnKF-N, 40 members"];
        var chart = Chart(new Axis("x"), new Axis("y"), [.. names.Select((name, i) => LineSeries.Evenly(name, 0, 1, [i, i + 1]))]) with
            { References = [new("published", 3)] };
        var drawing = new PlottingDrawing(chart);
        foreach (string name in names.Append("published")) Assert.Single(drawing.Texts, text => text.Text == name);
        Assert.Equal(names.Length,
            drawing.Elements("polyline").Select(line => (line.Attribute("stroke")!.Value, (string?)line.Attribute("stroke-dasharray")))
                .Distinct().Count());
        var legend = drawing.Texts.Where(text => names.Contains(text.Text)).ToList();
        foreach (var (text, x,
            y) in legend) Assert.DoesNotContain(legend, other => other.Text != text && other.Y == y && other.X >= x
                && other.X < x + 6.2 * text.Length);
    }

    [Fact]
    public void BadInputIsRefused()
    {
        Assert.Contains("'line'", Assert.Throws<ArgumentException>(() => new LineSeries("line", [0, 1], [0])).Message);
        Assert.Contains("infinite",
            Assert.Throws<ArgumentException>(() => LineSeries.Evenly("line", 0, 1, [0, double.PositiveInfinity])).Message);
        Assert.Contains("no value", Assert.Throws<ArgumentException>(() => LineSeries.Evenly("line", 0, 1, [double.NaN])).Message);
        Assert.Contains("place", Assert.Throws<ArgumentException>(() => new LineSeries("line", [double.NaN], [1])).Message);
        Assert.Contains("at least one line", Assert.Throws<ArgumentException>(() => Chart(new Axis("x"), new Axis("y"))).Message);
        var logarithmic = new Axis("loss") { Scale = AxisScale.Logarithmic };
        Assert.Contains("'loss' is logarithmic",
            Assert.Throws<ArgumentException>(() => Chart(new Axis("x"), logarithmic, LineSeries.Evenly("line", 0, 1, [1, 0]))).Message);
        Assert.Contains("from 3 to 2", Assert.Throws<ArgumentException>(() => Ranged(3, 2).ToSvg()).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => (Ranged(0, 1) with { Width = 0 }).ToSvg());
    }

    [Fact]
    public void AConstantLineIsDrawnInTheMiddle()
    {
        var drawing = new PlottingDrawing(Chart(new Axis("x"), new Axis("y"), LineSeries.Evenly("line", 0, 1, [7, 7, 7])));
        Assert.Equal(7,
            PlottingDrawing.Calibrate(drawing.VerticalTicks)(PlottingDrawing.Points(drawing.Elements("polyline").Single())[0].Y), 0.05);
    }
}

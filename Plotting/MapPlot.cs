using System.Globalization;

namespace DaML.Plotting;

/// <summary>A point of a map, for instance an observing site.</summary>
/// <param name="Longitude">Degrees east, in the range of the map's own longitudes (330 or -30).</param>
/// <param name="Latitude">Degrees north.</param>
/// <param name="Value">The value measured there, drawn in the map's colours (default: null, a plain mark).</param>
public sealed record MapMarker(double Longitude, double Latitude, double? Value = null);

/// <summary>
/// A field on a regular grid of longitudes and latitudes, with points and lines above it. Degrees of longitude have the length that they
/// have at the map's middle latitude.
/// </summary>
/// <param name="Title">The title above it; empty for none.</param>
/// <param name="Values">The field, <c>[latitude, longitude]</c>; NaN where there is no value.</param>
/// <param name="FirstLongitude">The first column's longitude, degrees east.</param>
/// <param name="LongitudeStep">Degrees from column to column.</param>
/// <param name="FirstLatitude">The first row's latitude, degrees north.</param>
/// <param name="LatitudeStep">Degrees from row to row; negative if the first row is the northernmost.</param>
/// <param name="Color">The assignment of colours to values.</param>
public sealed record MapPlot(string Title, double[,] Values, double FirstLongitude, double LongitudeStep, double FirstLatitude,
    double LatitudeStep, ColorScale Color) : Figure(Title)
{
    private static readonly Axis LongitudeAxis = new("") { Notation = AxisNotation.Longitude };
    private static readonly Axis LatitudeAxis = new("") { Notation = AxisNotation.Latitude };

    /// <summary>The field, <c>[latitude, longitude]</c>.</summary>
    /// <exception cref="ArgumentException">The field has no cells or no values, or a value is infinite.</exception>
    public double[,] Values { get; } = CellRaster.Check(Values);

    /// <summary>Points drawn above the field.</summary>
    public IReadOnlyList<MapMarker> Markers { get; init; } = [];

    /// <summary>The legend's name for the points (default: empty, no legend).</summary>
    public string MarkerName { get; init; } = "";

    /// <summary>
    /// Lines drawn above the field, for instance <see cref="Coastlines.World"/>: the corners of each as degrees east and north; whole turns
    /// do not matter.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<(double Longitude, double Latitude)>> Outlines { get; init; } = [];

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        PlotFrame.LegendEntry[] legend = MarkerName.Length == 0 || Markers.Count == 0 ? []
            : [new(MarkerName,
                (writer, x, y) => Mark(writer, x + PlotFrame.KeyWidth / 2, y, Markers[0].Value is null ? "#ffffff" : "#999999"))];
        var below = PlotFrame.Below(area, Title, legend);
        var (west, east) = new CellAxis(LongitudeAxis, FirstLongitude, LongitudeStep).Edges(Values.GetLength(1));
        var (south, north) = new CellAxis(LatitudeAxis, FirstLatitude, LatitudeStep).Edges(Values.GetLength(0));
        var yTicks = PlotFrame.VerticalTicks(LatitudeAxis, south, north, below.Height - 50);
        var inside =
            Fit(PlotFrame.Inside(below, LongitudeAxis, LatitudeAxis, yTicks.Select(tick => tick.Label),
                CellRaster.BarSpace(Color, below.Height - 50)), west, east, south, north);
        var xTicks = PlotFrame.HorizontalTicks(LongitudeAxis, west, east, inside.Width);
        var x = new AxisMap(LongitudeAxis, west, east, inside.Left, inside.Right);
        var y = new AxisMap(LatitudeAxis, south, north, inside.Bottom, inside.Top);

        svg.Image(inside, CellRaster.Png(Values, LongitudeStep < 0, LatitudeStep > 0, Color));
        svg.BeginClip(inside);
        var lines = Outlines.SelectMany(outline => Visible(outline, west, east, south, north))
            .Select(line => line.Select(point => (x.Pixel(point.Longitude), y.Pixel(point.Latitude))).ToList()).ToList();
        foreach (var line in lines) svg.Polyline(line, "#ffffff", 2);
        foreach (var line in lines) svg.Polyline(line, SvgWriter.Ink, 0.9);
        svg.EndClip();
        var palette = CellRaster.Palette(Color.Map);
        foreach (var marker in Markers)
        {
            if (!x.Contains(marker.Longitude) || !y.Contains(marker.Latitude))
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                    $"The point at longitude {marker.Longitude}, latitude {marker.Latitude} lies outside of the map '{Title}', " +
                    $"which shows {west} to {east} and {south} to {north}."));
            Mark(svg, x.Pixel(marker.Longitude), y.Pixel(marker.Latitude), marker.Value is { } value
                ? palette[CellRaster.Shade(value, Color)].ToString() : "#ffffff");
        }
        PlotFrame.Head(svg, area, inside, Title, legend);
        PlotFrame.Axes(svg, inside, x, y, xTicks, yTicks);
        CellRaster.DrawBar(svg, inside, Values, Color);
    }

    /// <summary>The parts of a line that may be visible on a map, shifted by whole turns to its longitudes.</summary>
    private static IEnumerable<List<(double Longitude, double Latitude)>> Visible(IReadOnlyList<(double Longitude, double Latitude)> line,
        double west, double east, double south, double north)
    {
        double westmost = line.Min(point => point.Longitude), eastmost = line.Max(point => point.Longitude);
        for (double turn = 360 * Math.Ceiling((west - eastmost) / 360); westmost + turn <= east; turn += 360)
        {
            var piece = new List<(double Longitude, double Latitude)>();
            for (int i = 1; i < line.Count; i++)
            {
                var (from, to) = ((Longitude: line[i - 1].Longitude + turn, line[i - 1].Latitude),
                    (Longitude: line[i].Longitude + turn, line[i].Latitude));
                bool seen = Math.Max(from.Longitude, to.Longitude) >= west && Math.Min(from.Longitude, to.Longitude) <= east
                         && Math.Max(from.Latitude, to.Latitude) >= south && Math.Min(from.Latitude, to.Latitude) <= north;
                if (seen) piece.AddRange(piece.Count == 0 ? [from, to] : [to]);
                else if (piece.Count > 0)
                {
                    yield return piece;
                    piece = [];
                }
            }
            if (piece.Count > 0) yield return piece;
        }
    }

    private static void Mark(SvgWriter svg, double x, double y, string fill) => svg.Circle(x, y, 3.4, fill, SvgWriter.Ink, 1.2);

    /// <summary>The largest part of an area in which a degree has the right length in both directions.</summary>
    private static PlotArea Fit(PlotArea area, double west, double east, double south, double north)
    {
        double shape = (east - west) * Math.Cos((south + north) / 2 * Math.PI / 180) / (north - south);
        if (!(shape > 0)) return area;
        double width = Math.Min(area.Width, area.Height * shape), height = width / shape;
        return new PlotArea(area.Left + (area.Width - width) / 2, area.Top + (area.Height - height) / 2, width, height);
    }
}

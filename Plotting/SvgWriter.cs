using System.Globalization;
using System.Net;
using System.Text;

namespace DaML.Plotting;

/// <summary>A rectangle of a drawing in pixels, y downwards.</summary>
internal readonly record struct PlotArea(double Left, double Top, double Width, double Height)
{
    public double Right => Left + Width;
    public double Bottom => Top + Height;
    public double CenterX => Left + Width / 2;
    public double CenterY => Top + Height / 2;

    /// <summary>Whether a point lies in the area, its edges included.</summary>
    public bool Contains(double x, double y) => x >= Left - 1e-6 && x <= Right + 1e-6 && y >= Top - 1e-6 && y <= Bottom + 1e-6;

    /// <summary>The area without margins.</summary>
    public PlotArea Inset(double left, double top, double right, double bottom) =>
        new(Left + left, Top + top, Width - left - right, Height - top - bottom);
}

/// <summary>The point of a text that its coordinates refer to.</summary>
internal enum TextAnchor { Start, Middle, End }

/// <summary>The dashes of a line, so that lines can be told apart without colour.</summary>
public enum LineStyle
{
    /// <summary>No gaps.</summary>
    Solid,

    /// <summary>Long dashes.</summary>
    Dashed,

    /// <summary>Dots.</summary>
    Dotted,

    /// <summary>A dash and a dot alternately.</summary>
    DashDotted,
}

/// <summary>Writes SVG elements: numbers in the invariant culture to a hundredth of a pixel, text escaped.</summary>
internal sealed class SvgWriter
{
    public const string Ink = "#1a1a1a";
    public const string Grid = "#e3e3e3";
    public const string Missing = "#bdbdbd";

    private const string Fonts = "Helvetica Neue,Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif";
    private readonly StringBuilder text = new();

    /// <summary>Writes a coordinate.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentException($"A coordinate must be finite; given: {value}.", nameof(value));
        string number = Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);
        return number == "-0" ? "0" : number;
    }

    public void Begin(double width, double height, string title)
    {
        string size = $"{Number(width)} {Number(height)}";
        text.Append(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Number(width)}\" height=\"{Number(height)}\" viewBox=\"0 0 {size}\" ")
            .Append($"font-family=\"{Fonts}\" role=\"img\">\n<title>{Escape(title)}</title>\n<rect width=\"100%\" height=\"100%\" " +
                $"fill=\"#fff\"/>\n");
    }

    public string End() => text.Append("</svg>\n").ToString();

    /// <summary>Begins a part of the drawing that shows nothing outside its area; its coordinates are those of the whole drawing.</summary>
    public void BeginClip(PlotArea area) => text.Append(
        $"<svg {Box(area)} " +
        $"viewBox=\"{Number(area.Left)} {Number(area.Top)} {Number(area.Width)} {Number(area.Height)}\" overflow=\"hidden\">\n");

    public void EndClip() => text.Append("</svg>\n");

    public void Rectangle(PlotArea area, string fill, string stroke = "none", double strokeWidth = 1, double opacity = 1) => text.Append(
        $"<rect {Box(area)} fill=\"{fill}\"{Opacity(opacity)}{Stroke(stroke, strokeWidth)}/>\n");

    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1, LineStyle style = LineStyle.Solid) =>
        text.Append(
        $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\"{Stroke(stroke, width, style)}/>\n");

    public void Polyline(IEnumerable<(double X, double Y)> points, string stroke, double width, LineStyle style = LineStyle.Solid) => text
        .Append("<polyline points=\"")
        .AppendJoin(' ', points.Select(point => $"{Number(Math.Round(point.X, 1))},{Number(Math.Round(point.Y, 1))}"))
        .Append($"\" fill=\"none\" stroke-linejoin=\"round\"{Stroke(stroke, width, style)}/>\n");

    public void Polygon(IEnumerable<(double X, double Y)> points, string fill, string stroke = "none", double strokeWidth = 1,
        double opacity = 1) => text
        .Append("<polygon points=\"").AppendJoin(' ', points.Select(point => $"{Number(point.X)},{Number(point.Y)}"))
        .Append($"\" fill=\"{fill}\"{Opacity(opacity)}{Stroke(stroke, strokeWidth)}/>\n");

    public void Circle(double x, double y, double radius, string fill, string stroke = "none", double strokeWidth = 1) => text.Append(
        $"<circle cx=\"{Number(x)}\" cy=\"{Number(y)}\" r=\"{Number(radius)}\" fill=\"{fill}\"{Stroke(stroke, strokeWidth)}/>\n");

    /// <summary>Draws a picture that is stretched over an area, with sharp edges between its cells.</summary>
    public void Image(PlotArea area, byte[] png) => text.Append(
        $"<image {Box(area)} " +
        $"preserveAspectRatio=\"none\" image-rendering=\"pixelated\" href=\"data:image/png;base64,{Convert.ToBase64String(png)}\"/>\n");

    public void Text(double x, double y, string content, double size, TextAnchor anchor = TextAnchor.Start, string fill = Ink,
        bool bold = false, double rotate = 0)
    {
        if (content.Length == 0) return;
        text.Append($"<text x=\"{Number(x)}\" y=\"{Number(y)}\" font-size=\"{Number(size)}\" fill=\"{fill}\"");
        if (anchor != TextAnchor.Start) text.Append(anchor == TextAnchor.Middle ? " text-anchor=\"middle\"" : " text-anchor=\"end\"");
        if (bold) text.Append(" font-weight=\"bold\"");
        if (rotate != 0) text.Append($" transform=\"rotate({Number(rotate)} {Number(x)} {Number(y)})\"");
        text.Append($">{Escape(content)}</text>\n");
    }

    /// <summary>The approximate width of a text in pixels: an upper bound for the requested fonts; DejaVu Sans is the widest.</summary>
    public static double TextWidth(string content, double size) => size * content.Sum(character => character switch
    {
        'i' or 'j' or 'l' or '.' or ',' or ':' or ';' or '\'' or '|' => 0.34,
        '\u00b2' or '\u00b3' or '\u00b9' or '\u2070' or (>= '\u2074' and <= '\u2079') => 0.41,
        'f' or 't' or 'r' or ' ' or '(' or ')' or '[' or ']' or '/' or '-' or 'I' or '!' => 0.42,
        'm' or 'w' or 'M' or 'W' or '%' or '@' => 1,
        '\u2212' or '+' or '=' or '<' or '>' or '\u00b1' or '\u00d7' => 0.84,
        >= 'A' and <= 'Z' => 0.79,
        _ => 0.64,
    });

    private static string Box(PlotArea area) =>
        $"x=\"{Number(area.Left)}\" y=\"{Number(area.Top)}\" width=\"{Number(area.Width)}\" height=\"{Number(area.Height)}\"";

    private static string Opacity(double opacity) => opacity == 1 ? "" : $" fill-opacity=\"{Number(opacity)}\"";

    private static string Stroke(string color, double width, LineStyle style = LineStyle.Solid)
    {
        if (color == "none") return "";
        string dashes = style switch
        {
            LineStyle.Dashed => $"{Number(4 * width)} {Number(2.5 * width)}",
            LineStyle.Dotted => $"{Number(width)} {Number(2 * width)}",
            LineStyle.DashDotted => $"{Number(5 * width)} {Number(2 * width)} {Number(width)} {Number(2 * width)}",
            _ => "",
        };
        return $" stroke=\"{color}\" stroke-width=\"{Number(width)}\"" + (dashes.Length > 0 ? $" stroke-dasharray=\"{dashes}\"" : "");
    }

    /// <summary>Escapes text for XML; characters that XML does not allow become the replacement character.</summary>
    public static string Escape(string content) =>
        WebUtility.HtmlEncode(
            new string([
                .. content.Select(c => c is '\t' or '\n' or '\r' || (c >= ' ' && c is not ('\uFFFE' or '\uFFFF')) ? c : '\uFFFD')]));
}

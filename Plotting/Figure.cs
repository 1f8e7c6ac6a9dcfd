namespace DaML.Plotting;

/// <summary>
/// A figure in the style of a paper: immutable data and labels that are drawn as one self-contained SVG, dark on white, in colours that
/// colour-blind readers can tell apart. A notebook shows it.
/// </summary>
/// <param name="Title">The title above it; empty for none.</param>
[TypeFormatterSource(typeof(FigureFormatters), PreferredMimeTypes = [FigureFormatters.Svg])]
public abstract record Figure(string Title)
{
    /// <summary>Width in pixels.</summary>
    public double Width { get; init; } = 640;

    /// <summary>Height in pixels.</summary>
    public double Height { get; init; } = 400;

    /// <summary>Draws the figure as SVG text.</summary>
    public string ToSvg()
    {
        var svg = new SvgWriter();
        svg.Begin(Require.Positive(Width), Require.Positive(Height), Title);
        Draw(svg, new PlotArea(0, 0, Width, Height));
        return svg.End();
    }

    internal abstract void Draw(SvgWriter svg, PlotArea area);
}

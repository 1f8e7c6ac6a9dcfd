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

    /// <summary>Writes the figure to a file whose ending says how: <c>.svg</c>, or <c>.png</c> by the program rsvg-convert.</summary>
    /// <param name="path">The file; its folder is created if it is missing, an older file is replaced.</param>
    /// <param name="scale">Pixels of a PNG for each of the figure's (default: 2, sharp on paper and on dense screens).</param>
    /// <exception cref="ArgumentException">The file ends otherwise.</exception>
    /// <exception cref="PictureException">There is no rsvg-convert on the PATH, or it failed.</exception>
    public void Save(string path, double scale = 2)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".svg": AtomicFile.WriteText(path, ToSvg()); break;
            case ".png": PngPicture.Write(ToSvg(), path, scale); break;
            default: throw new ArgumentException($"A figure is written as .svg or .png; given: '{path}'.", nameof(path));
        }
    }

    internal abstract void Draw(SvgWriter svg, PlotArea area);
}

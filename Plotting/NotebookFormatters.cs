namespace DaML.Plotting;

/// <summary>
/// Names the formatters with which a notebook shows a value. .NET Interactive finds the attribute by its name and its properties, so
/// nothing here references a notebook.
/// </summary>
/// <param name="formatterSourceType">A class with a method <c>CreateTypeFormatters</c>.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>The class that makes the formatters.</summary>
    public Type FormatterSourceType => formatterSourceType;

    /// <summary>The forms in which a notebook keeps the value.</summary>
    public string[] PreferredMimeTypes { get; init; } = [];
}

/// <summary>Writes values of one type in one form, called by a notebook through the names of its members.</summary>
/// <param name="MimeType">The form.</param>
/// <param name="Write">Gives the text of a value.</param>
internal sealed record NotebookFormatter(string MimeType, Func<object, string> Write)
{
    /// <summary>Writes a value.</summary>
    public bool Format(object value, TextWriter writer)
    {
        writer.Write(Write(value));
        return true;
    }
}

/// <summary>Shows figures in notebooks, as SVG.</summary>
internal sealed class FigureFormatters
{
    public const string Svg = "image/svg+xml";

    /// <summary>The formatters.</summary>
    public IEnumerable<object> CreateTypeFormatters() => [new NotebookFormatter(Svg, value => ((Figure)value).ToSvg())];
}

/// <summary>Shows tables in notebooks, as HTML and as plain text.</summary>
internal sealed class TableFormatters
{
    public const string Html = "text/html", Plain = "text/plain";

    /// <summary>The formatters.</summary>
    public IEnumerable<object> CreateTypeFormatters() =>
        [new NotebookFormatter(Html, value => ((ReportTable)value).ToHtml()), new NotebookFormatter(Plain, value => $"{value}")];
}

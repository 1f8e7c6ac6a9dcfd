using System.Globalization;
using System.Net;
using System.Text;

namespace DaML.Plotting;

/// <summary>A block of an <see cref="HtmlReport"/>.</summary>
public abstract record ReportBlock
{
    internal abstract void Write(StringBuilder html);

    internal static string Escape(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>A heading inside a report.</summary>
/// <param name="Text">The text of the heading.</param>
public sealed record ReportHeading(string Text) : ReportBlock
{
    internal override void Write(StringBuilder html) => html.Append($"<h2>{Escape(Text)}</h2>\n");
}

/// <summary>A paragraph of plain text.</summary>
/// <param name="Text">The text of the paragraph.</param>
public sealed record ReportParagraph(string Text) : ReportBlock
{
    internal override void Write(StringBuilder html) => html.Append($"<p>{Escape(Text)}</p>\n");
}

/// <summary>
/// A table: the first column is text, the others are aligned right, as is usual for numbers. A notebook shows it; <see cref="ToString"/>
/// gives it as lines of text.
/// </summary>
/// <param name="Title">The title, with units.</param>
/// <param name="Headers">The columns' names.</param>
/// <param name="Rows">The cells as text, as many in each row as there are headers.</param>
[TypeFormatterSource(typeof(TableFormatters), PreferredMimeTypes = [TableFormatters.Html, TableFormatters.Plain])]
public sealed record ReportTable(string Title, IReadOnlyList<string> Headers, IReadOnlyList<IReadOnlyList<string>> Rows) : ReportBlock
{
    /// <summary>The cells as text, as many in each row as there are headers.</summary>
    /// <exception cref="ArgumentException">A row has another number of cells.</exception>
    public IReadOnlyList<IReadOnlyList<string>> Rows { get; } = CheckRows(Headers, Rows);

    /// <summary>Writes the table as lines of text, the columns aligned.</summary>
    public override string ToString()
    {
        int[] widths = [.. Headers.Select((header, i) => Rows.Select(row => row[i].Length).Append(header.Length).Max())];
        string Line(IReadOnlyList<string> cells) => string.Join("  ",
            cells.Select((cell, i) => i == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[i]))).TrimEnd();
        return string.Join('\n', Rows.Select(Line).Prepend(new string('-', widths.Sum() + 2 * (widths.Length - 1))).Prepend(Line(Headers))
            .Prepend(Title));
    }

    /// <summary>Writes the table as HTML.</summary>
    internal string ToHtml()
    {
        var html = new StringBuilder();
        Write(html);
        return html.ToString();
    }

    internal override void Write(StringBuilder html)
    {
        html.Append("<div class=\"wide\"><table>\n<caption>").Append(Escape(Title)).Append("</caption>\n<thead><tr>");
        foreach (string header in Headers) html.Append("<th>").Append(Escape(header)).Append("</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in Rows)
        {
            html.Append("<tr>");
            // a figure with its error or its range stays on one line
            foreach (string cell in row)
                html.Append(cell.Length <= 16 ? "<td class=\"short\">" : "<td>").Append(Escape(cell)).Append("</td>");
            html.Append("</tr>\n");
        }
        html.Append("</tbody>\n</table></div>\n");
    }

    private static IReadOnlyList<IReadOnlyList<string>> CheckRows(IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        for (int i = 0; i < rows.Count; i++)
            if (rows[i].Count != headers.Count)
                throw new ArgumentException(
                    $"Every row of a table must have {headers.Count} cells, one for each header; row {i} has " +
                    $"{rows[i].Count}.", nameof(rows));
        return rows;
    }
}

/// <summary>Settings and their values, one on each line.</summary>
/// <param name="Settings">Name and value; numbers are written in the invariant culture.</param>
public sealed record ReportSettings(IReadOnlyDictionary<string, object> Settings) : ReportBlock
{
    internal override void Write(StringBuilder html)
    {
        html.Append("<dl>\n");
        foreach (var (name, value) in Settings)
            html.Append($"<dt>{Escape(name)}</dt><dd>{Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")}</dd>\n");
        html.Append("</dl>\n");
    }
}

/// <summary>A figure with the caption below it.</summary>
/// <param name="Figure">The figure, drawn into the page itself.</param>
/// <param name="Caption">The content of the figure and how to read it.</param>
public sealed record ReportFigure(Figure Figure, string Caption) : ReportBlock
{
    internal override void Write(StringBuilder html) =>
        html.Append($"<figure>\n<div class=\"wide\" style=\"--natural: {SvgWriter.Number(Figure.Width)}px\">\n{Figure.ToSvg()}</div>\n")
            .Append($"<figcaption>{Escape(Caption)}</figcaption>\n</figure>\n");
}

/// <summary>
/// One self-contained HTML page: text, tables, settings and figures in the given order. It needs no network, fits a phone and paper, and
/// is dark where the reader prefers that; figures stay dark on white.
/// </summary>
/// <param name="Title">The page's title.</param>
/// <param name="Blocks">The blocks of the page, from top to bottom.</param>
public sealed record HtmlReport(string Title, IReadOnlyList<ReportBlock> Blocks)
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1a1a1a; --faint: #444; --paper: #fff; --rule: #ddd; --head: #444; }
        body { font: 16px/1.5 "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper);
               max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
        h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
        h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; break-after: avoid; }
        p, figcaption { max-width: 46rem; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
        th, td { padding: .3rem .9rem; text-align: right; border-bottom: 1px solid var(--rule); }
        th { border-bottom: 2px solid var(--head); vertical-align: bottom; }
        th:first-child, td:first-child { text-align: left; padding-left: 0; }
        td.short:not(:first-child) { white-space: nowrap; }
        tr { break-inside: avoid; }
        figure { margin: 1.5rem 0; break-inside: avoid; }
        /* never so small that ticks cannot be read: the figure is pushed sideways instead */
        figure .wide > svg { display: block; width: max(min(100%, var(--natural)), .7 * var(--natural)); height: auto; border-radius: 4px; }
        figcaption { font-size: .9rem; color: var(--faint); margin-top: .4rem; }
        dl { display: grid; grid-template-columns: max-content auto; gap: .15rem 1.2rem; font-size: .9rem; }
        dt { color: var(--faint); }
        dd { margin: 0; overflow-wrap: anywhere; }
        @media (max-width: 40rem) {
          body { margin: 1rem auto; }
          h1 { font-size: 1.4rem; }
          figcaption::after { content: " The figure may go on at the right."; }
          table { font-size: .85rem; }
          caption { max-width: calc(100vw - 2rem); }
          td:first-child { min-width: 6.5rem; }
          th, td { padding: .25rem .5rem; }
          dl { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
          dt { overflow-wrap: anywhere; }
        }
        @media screen and (prefers-color-scheme: dark) {
          :root { --ink: #e4e4e4; --faint: #b4b4b4; --paper: #16181c; --rule: #3a3d42; --head: #888; }
        }
        @media print {
          :root { color-scheme: light; }
          body { max-width: none; margin: 0; padding: 0; font-size: 11pt; }
          .wide { overflow: visible; }
          table { font-size: 9pt; }
          figure .wide > svg { width: min(100%, var(--natural)); }
        }
        """;

    /// <summary>Writes the page as HTML text.</summary>
    public string ToHtml()
    {
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n")
            .Append($"<title>{ReportBlock.Escape(Title)}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n")
            .Append($"<h1>{ReportBlock.Escape(Title)}</h1>\n");
        foreach (var block in Blocks) block.Write(html);
        return html.Append("</body>\n</html>\n").ToString();
    }
}

namespace DaML.Plotting;

/// <summary>A figure whose panels are other figures, in rows and columns, lettered (a), (b), ...</summary>
public sealed record FigureGrid : Figure
{
    /// <summary>Puts figures into a grid; each column is as wide as its widest, each row as high as its highest.</summary>
    /// <param name="title">The title above them all; empty for none.</param>
    /// <param name="panels">The figures, row by row.</param>
    /// <param name="columns">The number of figures in a row.</param>
    /// <exception cref="ArgumentException">There are no figures, or the number of columns is below one.</exception>
    public FigureGrid(string title, IReadOnlyList<Figure> panels, int columns = 1) : base(title)
    {
        if (panels.Count == 0) throw new ArgumentException("A grid of figures needs at least one.", nameof(panels));
        Columns = (int)Require.AtLeast(columns, 1);
        Panels = panels;
        Width = ColumnWidths.Sum();
        Height = RowHeights.Sum() + Head;
    }

    /// <summary>The figures, row by row.</summary>
    public IReadOnlyList<Figure> Panels { get; }

    /// <summary>The number of figures in a row.</summary>
    public int Columns { get; }

    private double Head => Title.Length > 0 ? 32 : 0;

    private IEnumerable<double> ColumnWidths =>
        Enumerable.Range(0, Math.Min(Columns, Panels.Count))
            .Select(column => Panels.Where((_, i) => i % Columns == column).Max(panel => panel.Width));

    private IEnumerable<double> RowHeights => Panels.Chunk(Columns).Select(row => row.Max(panel => panel.Height));

    internal override void Draw(SvgWriter svg, PlotArea area)
    {
        svg.Text(area.CenterX, area.Top + 24, Title, PlotFrame.TitleSize + 2, TextAnchor.Middle, bold: true);
        double[] widths = [.. ColumnWidths], heights = [.. RowHeights];
        for (int i = 0; i < Panels.Count; i++)
        {
            int row = i / Columns, column = i % Columns;
            var panel = new PlotArea(area.Left + widths.Take(column).Sum(), area.Top + Head + heights.Take(row).Sum(), widths[column],
                heights[row]);
            Panels[i].Draw(svg, panel);
            if (Panels.Count > 1) svg.Text(panel.Left + 12, panel.Top + 22, $"({(char)('a' + i % 26)})", PlotFrame.TitleSize, bold: true);
        }
    }
}

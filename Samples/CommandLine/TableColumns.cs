namespace DaML.Samples;

/// <summary>
/// Columns of a table that stand side by side on the console. A table that is too wide first breaks its texts between words; where that
/// is not enough, it is shown in several parts, each with the first column. No number is ever broken or cut.
/// </summary>
/// <param name="Indices">The table's columns, in order.</param>
/// <param name="Widths">The width of each, in characters.</param>
internal sealed record TableColumns(IReadOnlyList<int> Indices, IReadOnlyList<int> Widths)
{
    /// <summary>What a border and a margin take of a line with this many columns.</summary>
    private static int Frame(int columns) => 3 * columns + 1;

    /// <summary>Divides a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="width">The width of the console, in characters; a part is wider only where two columns cannot be broken to fit.</param>
    public static IReadOnlyList<TableColumns> Divide(ReportTable table, int width)
    {
        int count = table.Headers.Count;
        int[] least = new int[count], full = new int[count];
        for (int i = 0; i < count; i++)
        {
            var cells = table.Rows.Select(row => row[i]).Prepend(table.Headers[i]).ToList();
            full[i] = cells.Max(cell => cell.Length);
            least[i] = cells.Max(cell => cell.Split(' ').Max(word => word.Length));
        }
        List<List<int>> parts = [[0]];
        for (int i = 1; i < count; i++)
        {
            var part = parts[^1];
            if (part.Count > 1 && part.Append(i).Sum(j => least[j]) + Frame(part.Count + 1) > width) parts.Add(part = [0]);
            part.Add(i);
        }
        return [.. parts.Select(part => new TableColumns(part, WidthsOf(part, least, full, width - Frame(part.Count))))];
    }

    // Every column as wide as its longest word; what is left goes to those that are furthest from standing on one line.
    private static int[] WidthsOf(List<int> columns, int[] least, int[] full, int available)
    {
        int[] widths = [.. columns.Select(i => least[i])];
        for (int left = available - widths.Sum(); left > 0; left--)
        {
            int widest = Enumerable.Range(0, widths.Length).MaxBy(k => full[columns[k]] - widths[k]);
            if (widths[widest] >= full[columns[widest]]) break;
            widths[widest]++;
        }
        return widths;
    }
}

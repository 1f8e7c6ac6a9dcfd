namespace DaML.Samples;

/// <summary>A row of a table that sets what was measured beside what a paper reports.</summary>
/// <param name="What">What is measured.</param>
/// <param name="Metric">Its name in the JSON.</param>
/// <param name="Published">What the paper reports, as it is to be read; empty where it reports nothing.</param>
/// <param name="Measured">What was measured; not a number where nothing could be, for instance because the method diverged.</param>
/// <param name="Note">What one must know to compare the two.</param>
internal sealed record PublishedFigure(string What, string Metric, string Published, double Measured, string Note = "")
{
    /// <summary>Decimals that the table shows.</summary>
    public int Decimals { get; init; } = 3;

    /// <summary>The rows as a table.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="rows">The rows.</param>
    public static ReportTable Table(string title, IEnumerable<PublishedFigure> rows) => new(title, ["", "paper", "measured", "note"],
        [.. rows.Select(row =>
            (string[])[row.What, row.Published, double.IsFinite(row.Measured) ? SampleRun.Number(row.Measured, row.Decimals)
                : "truth lost", row.Note])]);

    /// <summary>The rows as metrics, without those that could not be measured.</summary>
    /// <param name="rows">The rows.</param>
    public static Dictionary<string, double> Metrics(IEnumerable<PublishedFigure> rows) =>
        rows.Where(row => double.IsFinite(row.Measured)).ToDictionary(row => row.Metric, row => row.Measured);
}

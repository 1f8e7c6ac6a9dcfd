using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>The messages that the pages of docs/troubleshooting name: quotations, with their cure below, and rows of tables.</summary>
internal sealed partial class TroubleshootingBook
{
    /// <summary>A message as a page names it.</summary>
    /// <param name="Page">The page, from the root.</param>
    /// <param name="Text">The words, on one line.</param>
    /// <param name="File">The name of the file that gives it; null for a quotation, which needs none.</param>
    public sealed record Entry(string Page, string Text, string? File)
    {
        /// <summary>Its words, with braces for values.</summary>
        public string Words { get; } = SourceMessages.Words(Text);

        /// <summary>Whether it is about a message: it has the message's words from anywhere in it on.</summary>
        public bool Names(SourceMessage message) => message.Words.Contains(Words, StringComparison.Ordinal)
            && (File is null || Path.GetFileName(message.File) == File);
    }

    private readonly List<Entry> entries = [];

    /// <summary>All of them, in the order of the pages.</summary>
    public IReadOnlyList<Entry> Entries => entries;

    /// <summary>How many quotations and rows there are, in a page's form or not.</summary>
    public int Places { get; private set; }

    /// <summary>Adds a page.</summary>
    public void Add(string page, string text)
    {
        text = text.ReplaceLineEndings("\n");
        entries.AddRange(Quotations().Matches(text).Select(match =>
            new Entry(page, match.Groups["text"].Value.Replace("\n> ", " ", StringComparison.Ordinal), null)));
        string[] rows = [.. Tables().Matches(text).SelectMany(table => table.Groups["row"].Captures).Select(row => row.Value)];
        entries.AddRange(rows.Select(row => Row().Match(row)).Where(row => row.Success)
            .Select(row => new Entry(page, row.Groups["text"].Value, row.Groups["file"].Value)));
        Places += Quoted().Count(text) + rows.Length;
    }

    /// <summary>The pages of the folder docs/troubleshooting beneath a root.</summary>
    public static TroubleshootingBook Read(string root)
    {
        var book = new TroubleshootingBook();
        string folder = Path.Combine(root, "docs", "troubleshooting");
        foreach (string path in Directory.EnumerateFiles(folder, "*.md").Order(StringComparer.Ordinal))
            book.Add($"docs/troubleshooting/{Path.GetFileName(path)}", File.ReadAllText(path));
        return book;
    }

    [GeneratedRegex(@"^> `(?<text>[^`]+)`$", RegexOptions.Multiline)]
    private static partial Regex Quotations();

    [GeneratedRegex(@"(?<=\n\n)> ")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^\| message \| given by \|\n\| --- \| --- \|\n((?<row>\|[^\n]*)(\n|$))*", RegexOptions.Multiline)]
    private static partial Regex Tables();

    [GeneratedRegex(@"^\| `(?<text>[^`]+)` \| (?<file>[\w.]+) \|$")]
    private static partial Regex Row();
}

using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>A row of a table of settings.</summary>
/// <param name="Name">The setting.</param>
/// <param name="Default">Its default, as text.</param>
/// <param name="Range">Its range.</param>
/// <param name="Why">Why that default.</param>
internal sealed record SettingRow(string Name, string Default, string Range, string Why);

/// <summary>A table of settings: the line "Settings of `X`" and the table that follows it.</summary>
/// <param name="Page">The document.</param>
/// <param name="Subject">X.</param>
/// <param name="Rows">Its rows.</param>
internal sealed record SettingTable(string Page, string Subject, IReadOnlyList<SettingRow> Rows);

/// <summary>A document about methods, as text.</summary>
/// <param name="Name">Its path in the folder of documents, for instance methods/kalman-filter.md.</param>
internal sealed partial record MethodPage(string Name)
{
    private const string Header = "| setting | default | range | why |";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "documents");

    /// <summary>All pages of the folder of methods, without its index.</summary>
    public static IReadOnlyList<MethodPage> All { get; } = [.. Directory.EnumerateFiles(Path.Combine(Folder, "methods"), "*.md")
        .Select(path => new MethodPage($"methods/{Path.GetFileName(path)}")).Where(page => page.Stem != "index")
        .OrderBy(page => page.Name)];

    /// <summary>Every document, these pages and all others.</summary>
    public static IEnumerable<MethodPage> Documents => Directory.EnumerateFiles(Folder, "*.md", SearchOption.AllDirectories)
        .Select(path => new MethodPage(Path.GetRelativePath(Folder, path).Replace('\\', '/')));

    /// <summary>The file's name without its ending.</summary>
    public string Stem => Path.GetFileNameWithoutExtension(Name);

    /// <summary>Its text.</summary>
    public string Text { get; } = File.ReadAllText(Path.Combine(Folder, Name)).ReplaceLineEndings("\n");

    /// <summary>The headings of its sections.</summary>
    public IReadOnlyList<string> Sections => [.. Section().Matches(Text).Select(match => match.Groups[1].Value)];

    /// <summary>The text of a section, up to the next.</summary>
    public string Under(string section) => Regex.Match(Text, $@"^## {Regex.Escape(section)}\n(.*?)(?=^## |\z)",
        RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;

    /// <summary>The blocks of a language.</summary>
    public IReadOnlyList<string> Blocks(string language) =>
        [.. Regex.Matches(Text, $"^```{language}\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)
            .Select(match => match.Groups[1].Value)];

    /// <summary>A fact of the table at its head, as the code that it holds; null if there is none.</summary>
    public IReadOnlyList<string>? Fact(string name) =>
        Regex.Match(Text, $@"^\| {Regex.Escape(name)} \| (.*) \|$", RegexOptions.Multiline) is { Success: true } row
            ? [.. Code().Matches(row.Groups[1].Value).Select(match => match.Groups[1].Value)] : null;

    /// <summary>Its tables of settings.</summary>
    public IEnumerable<SettingTable> Tables()
    {
        string[] lines = Text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
            if (Subject().Match(lines[i]) is { Success: true } subject)
            {
                int row = i + 1;
                while (row < lines.Length && lines[row].Length == 0) row++;
                Assert.True(row + 1 < lines.Length && lines[row] == Header,
                    $"{Name}, line {i + 1}: 'Settings of' must be followed by a table that begins with '{Header}'.");
                List<SettingRow> rows = [];
                for (row += 2; row < lines.Length && lines[row].StartsWith('|'); row++)
                {
                    string[] cells = [.. lines[row].Trim('|').Split('|').Select(cell => cell.Trim())];
                    Assert.True(cells.Length == 4, $"{Name}, line {row + 1}: a row of settings has four cells; this has {cells.Length}.");
                    rows.Add(new(cells[0].Trim('`'), cells[1].Trim('`'), cells[2], cells[3]));
                }
                yield return new(Name, subject.Groups[1].Value, rows);
            }
    }

    [GeneratedRegex("^## (.*)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^Settings of `([\w.]+)`")]
    private static partial Regex Subject();
}

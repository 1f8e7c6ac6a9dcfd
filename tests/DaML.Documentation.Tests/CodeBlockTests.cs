using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>
/// Every block of C# in every document is code that was compiled: it stands word for word, up to its margin, in a source file of a
/// project that is built. So no block can rot, and a new one needs a file that has it.
/// </summary>
public partial class CodeBlockTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "all-documents");
    private static readonly string Sources = Path.Combine(AppContext.BaseDirectory, "compiled");

    private sealed record Block(string Document, int Line, string? Language, IReadOnlyList<string> Lines)
    {
        public string Where => $"{Document}, line {Line}";
    }

    public static TheoryData<string> Documents =>
        [.. Directory.EnumerateFiles(Folder, "*.md", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Folder, path))
            .Order()];

    [Fact]
    public void All_documents_are_read()
    {
        string[] found = [.. Documents.Select(row => row.Data)];
        foreach (string needed in (string[])["README.md", "CONTRIBUTING.md", "docs/models.md", "docs/scores.md", "findings/README.md",
            "Samples/weights/README.md"])
            Assert.Contains(needed.Replace('/', Path.DirectorySeparatorChar), found);
        Assert.NotEmpty(Directory.EnumerateFiles(Sources, "*.cs", SearchOption.AllDirectories));
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_block_of_csharp_is_compiled(string document)
    {
        foreach (var block in Fenced(document).Where(block => block.Language == "csharp"))
            Assert.True(IsCompiled(block.Lines),
                $"{block.Where}: this block of C# is in no source file that is compiled; put it into " +
                    $"tests/DaML.Documentation.Tests/Examples.\n{string.Join('\n', block.Lines)}");
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_block_names_its_language_and_none_hides_csharp(string document)
    {
        foreach (var block in Fenced(document))
        {
            Assert.True(block.Language is not null,
                $"{block.Where}: the block names no language; write ```csharp where it is C#, ```text where it is none.");
            Assert.True(block.Language is "csharp" or "json" or "xml" or "sh" or "text",
                $"{block.Where}: '{block.Language}' is none of the languages in use here: csharp, json, xml, sh, text.");
            Assert.False(block.Language != "csharp"
                && LooksLikeCSharp(block.Lines),
                $"{block.Where}: the block is called '{block.Language}' and looks like C#; call it csharp, so that it is compiled.");
        }
        foreach (var block in Indented(document))
            Assert.False(LooksLikeCSharp(block.Lines),
                $"{block.Where}: the indented block looks like C#; fence it as ```csharp, so that it is " +
                    $"compiled.\n{string.Join('\n', block.Lines)}");
    }

    [Theory]
    [InlineData("var method = context.Analysis.Something();", true)]
    [InlineData("_ = new EstimatedParameter(\"forcing\", mean: 6.5);", true)]
    [InlineData("Minimisation = new()", true)]
    [InlineData("public string Name => \"x\";", true)]
    [InlineData("foreach (var run in runs) Submit(run.Id);", true)]
    [InlineData("using DaML;", true)]
    [InlineData("./daml sample reference-scores [--quick|--full]", false)]
    [InlineData("analyzer    a : H x Y -> H        propagater  b : H -> H", false)]
    [InlineData("A = B^-1 + G^T R^-1 G                       dx itself (ControlVariable.Increment)", false)]
    [InlineData("spectrum(P A) = { mu lambda_i^(alpha + 1), i <= r;  beta lambda_i, i > r }", false)]
    [InlineData("export DAML=$(python3 -c 'import torch, os; print(os)')", false)]
    public void Csharp_is_told_from_other_text(string line, bool isCSharp) => Assert.Equal(isCSharp, LooksLikeCSharp([line]));

    [Fact]
    public void A_block_that_is_not_compiled_is_found()
    {
        Assert.True(IsCompiled(["var context = new DataAssimilationContext(seed: 1);"]));
        Assert.False(IsCompiled(["_ = new EstimatedParameter(\"forcing\", mean: 6.5, standardDeviation: 1);"]));
    }

    [GeneratedRegex(@"^\s*(```+|~~~+)\s*([^`\s]*)")]
    private static partial Regex Fence();

    // A statement, a declaration, a lambda member, an initialiser.
    [GeneratedRegex(@"(^\s*(var|using|await|return|public|private|protected|internal|sealed|static|foreach|namespace|class|record)" +
        @"\s.*[;({=>]\s*(//.*)?$)|(\bnew\s*[\w<>.]*\s*[\[({])|([\w)\]]\s*;\s*(//.*)?$)|(^\s*[\w.]+\s*=\s*new\b)|(^\s*foreach\s*\()")]
    private static partial Regex CSharp();

    private static bool LooksLikeCSharp(IReadOnlyList<string> lines) => lines.Any(line => CSharp().IsMatch(line));

    private static IEnumerable<string> LinesOf(string document) =>
        File.ReadAllText(Path.Combine(Folder, document)).ReplaceLineEndings("\n").Split('\n');

    private static IEnumerable<Block> Fenced(string document)
    {
        string? fence = null, language = null;
        int start = 0, number = 0;
        List<string> lines = [];
        foreach (string line in LinesOf(document))
        {
            number++;
            var match = Fence().Match(line);
            if (fence is null)
            {
                if (!match.Success) continue;
                (fence, language, start, lines) = (match.Groups[1].Value, match.Groups[2].Value is { Length: > 0 } given
                    ? given.ToLowerInvariant() : null, number, []);
            }
            else if (match.Success && match.Groups[1].Value.StartsWith(fence, StringComparison.Ordinal)
                && match.Groups[2].Value.Length == 0)
            {
                yield return new(document, start, language is "cs" or "c#" ? "csharp" : language, lines);
                fence = null;
            }
            else lines.Add(line);
        }
        Assert.True(fence is null, $"{document}: the block that begins in line {start} does not end.");
    }

    // Four blanks after an empty line, outside of fences and of lists.
    private static IEnumerable<Block> Indented(string document)
    {
        bool fenced = false, inList = false, empty = true;
        int number = 0, start = 0;
        List<string> lines = [];
        foreach (string line in LinesOf(document).Append(""))
        {
            number++;
            bool isFence = Fence().IsMatch(line), blank = line.Trim().Length == 0;
            if (isFence) fenced = !fenced;
            if (!fenced && !isFence && line.StartsWith("    ", StringComparison.Ordinal) && !blank && !inList && (lines.Count > 0 || empty))
            {
                if (lines.Count == 0) start = number;
                lines.Add(line);
            }
            else if (lines.Count > 0 && !blank)
            {
                yield return new(document, start, null, lines);
                lines = [];
            }
            if (!blank && !line.StartsWith(' ')) inList = Regex.IsMatch(line, @"^([-*+]|\d+\.)\s");
            empty = blank;
        }
        if (lines.Count > 0) yield return new(document, start, null, lines);
    }

    private static readonly Lazy<List<string[]>> Compiled = new(() =>
        [.. Directory.EnumerateFiles(Sources, "*.cs", SearchOption.AllDirectories)
        .Select(path => File.ReadAllText(path).ReplaceLineEndings("\n").Split('\n'))]);

    // The block's lines one after the other, all moved by the same margin.
    private static bool IsCompiled(IReadOnlyList<string> block)
    {
        var wanted = Trimmed(block);
        return wanted.Count == 0
            || Compiled.Value.Any(source =>
                Enumerable.Range(0, Math.Max(0, source.Length - wanted.Count + 1)).Any(first => StandsAt(source, first, wanted)));
    }

    private static bool StandsAt(string[] source, int first, List<string> wanted)
    {
        int at = source[first].IndexOf(wanted[0], StringComparison.Ordinal);
        if (at < 0 || source[first][..at].Trim().Length > 0 || source[first].Length != at + wanted[0].Length) return false;
        string margin = source[first][..at];
        for (int i = 1; i < wanted.Count; i++)
            if (source[first + i].TrimEnd() != (wanted[i].Length == 0 ? "" : margin + wanted[i])) return false;
        return true;
    }

    private static List<string> Trimmed(IReadOnlyList<string> block)
    {
        var lines = block.Select(line => line.TrimEnd()).SkipWhile(line => line.Length == 0).ToList();
        while (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        int margin = lines.Count == 0 ? 0 : lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return [.. lines.Select(line => line[Math.Min(margin, line.Length)..])];
    }
}

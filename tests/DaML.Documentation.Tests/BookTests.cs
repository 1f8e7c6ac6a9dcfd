using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>
/// The documents hold together: links and their anchors lead somewhere, pictures exist, no page is lost, and every public type
/// stands in the API reference. `./daml docs` makes the book of them and refuses what docfx warns of.
/// </summary>
public sealed partial class BookTests
{
    private static string Folder => SdkCommand.Sources;

    private sealed record Link(string Document, string Text, string Target)
    {
        public string Path => Target.Split('#')[0];
        public string? Anchor => Target.Split('#') is [_, var anchor] ? anchor : null;
        public string File => Path.Length == 0 ? Document
            : Normal(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Document)!, Path));
        public override string ToString() => $"{Document}: [{Text}]({Target})";
    }

    [GeneratedRegex(@"!?\[(?<text>(?:[^\[\]]|!?\[[^\]]*\]\([^)]*\))*)\]\((?<target>[^)\s]+)(?:\s+""[^""]*"")?\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"^(```+|~~~+).*?^\1\s*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"^#{1,6}\s+(?<title>.+?)\s*#*\s*$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    private static string Normal(string path) =>
        Path.GetRelativePath(Folder, Path.GetFullPath(path, Folder)).Replace('\\', '/');

    private static readonly Lazy<string[]> Found = new(() => [.. Directory.EnumerateFiles(Folder, "*.md").Concat(
        new[] { "docs", "findings", "bench", "Packaging", "Samples" }.SelectMany(folder =>
            Directory.EnumerateFiles(Path.Combine(Folder, folder), "*.md", SearchOption.AllDirectories)))
        .Select(Normal).Where(path => !Regex.IsMatch(path, "(^|/)(bin|obj|daml-out)/|^docs/site/")).Order()]);

    // Every document; docs/site has what docfx needs for itself.
    private static string[] Documents => Found.Value;

    // Without blocks of code.
    private static string Prose(string document) =>
        Fences().Replace(File.ReadAllText(Path.Combine(Folder, document)).ReplaceLineEndings("\n"), "");

    private static List<Link> LinksOf(string document) =>
        [.. Links().Matches(Regex.Replace(Prose(document), @"(`+)(?!`).+?(?<!`)\1(?!`)", "code"))
            .Select(match => new Link(document, match.Groups["text"].Value, match.Groups["target"].Value))
            .Where(link => !Regex.IsMatch(link.Target, "^(https?|mailto):"))];

    // As GitHub and docfx make them of headings.
    private static List<string> Anchors(string document)
    {
        List<string> anchors = [];
        foreach (Match heading in Headings().Matches(Prose(document)))
        {
            string title = Regex.Replace(heading.Groups["title"].Value, @"\[([^\]]*)\]\([^)]*\)", "$1").ToLowerInvariant();
            string anchor = Regex.Replace(title, @"[^\p{L}\p{N}\s_-]", "").Replace(' ', '-');
            int times = anchors.Count(other => other == anchor || Regex.IsMatch(other, $"^{Regex.Escape(anchor)}-\\d+$"));
            anchors.Add(times == 0 ? anchor : $"{anchor}-{times}");
        }
        return anchors;
    }

    private static string? Fault(Link link, Func<string, bool> exists) =>
        link.Path.StartsWith('/') ? $"{link}: a link is relative to its document"
        : !exists(link.File) ? $"{link}: there is no '{link.File}'"
        : link.Anchor is { } anchor && link.File.EndsWith(".md", StringComparison.Ordinal) && !Anchors(link.File).Contains(anchor)
            ? $"{link}: '{link.File}' has no heading '#{anchor}'; it has: {string.Join(", ", Anchors(link.File))}"
        : null;

    [Fact]
    public void Every_link_and_picture_of_every_document_exists()
    {
        var links = Documents.SelectMany(LinksOf).ToList();
        Assert.True(links.Count > 100, $"only {links.Count} links were found");
        Assert.Empty(links.Select(link => Fault(link, path => Path.Exists(Path.Combine(Folder, path)))).OfType<string>());
    }

    [Theory]
    [InlineData("[a](docs/filters.md#inflation)", null)]
    [InlineData("[a](docs/filters.md#no-such-heading)", "has no heading '#no-such-heading'")]
    [InlineData("[a](docs/nothing.md)", "there is no 'docs/nothing.md'")]
    [InlineData("![a](docs/images/nothing.svg)", "there is no 'docs/images/nothing.svg'")]
    [InlineData("[![a](docs/images/fields.svg)](docs/nothing.md)", "there is no 'docs/nothing.md'")]
    [InlineData("[a](/docs/filters.md)", "relative")]
    public void A_broken_link_is_found(string markdown, string? fault)
    {
        var link = Assert.Single(Links().Matches(markdown).Select(match => new Link("README.md", "a", match.Groups["target"].Value)));
        string? found = Fault(link, path => Path.Exists(Path.Combine(Folder, path)));
        if (fault is null) Assert.Null(found);
        else Assert.Contains(fault, found);
    }

    [Fact]
    public void Pictures_are_pictures()
    {
        string[] pictures = [.. Directory.EnumerateFiles(Path.Combine(Folder, "docs", "images"), "*.svg")];
        Assert.NotEmpty(pictures);
        foreach (string picture in pictures) Assert.Equal("svg", XDocument.Load(picture).Root!.Name.LocalName);
        var shown = Documents.SelectMany(LinksOf).Select(link => link.File).ToHashSet();
        Assert.Empty(pictures.Select(path => $"docs/images/{Path.GetFileName(path)}").Except(shown));
    }

    [Fact]
    public void Every_page_is_reached_from_the_index()
    {
        HashSet<string> seen = ["docs/index.md"];
        Queue<string> waiting = new(seen);
        while (waiting.TryDequeue(out string? page))
            foreach (var link in LinksOf(page).Where(link => Documents.Contains(link.File)))
                if (seen.Add(link.File)) waiting.Enqueue(link.File);
        Assert.Empty(Documents.Where(page => page.StartsWith("docs/", StringComparison.Ordinal)).Except(seen));
    }

    [Fact]
    public void The_contents_of_the_book_name_every_page_once()
    {
        string contents = File.ReadAllText(Path.Combine(Folder, "docs", "toc.yml"));
        string[] named = [.. Regex.Matches(contents, @"href:\s*(\S+\.md)\s*$", RegexOptions.Multiline)
            .Select(match => Normal(Path.Combine("docs", match.Groups[1].Value)))];
        Assert.Equal(named.Distinct(), named);
        Assert.Empty(named.Except(Documents));
        Assert.Empty(Documents.Where(page => page.StartsWith("docs/", StringComparison.Ordinal)).Except(named));
    }

    private static string[] Rooms() =>
        [.. Directory.EnumerateFiles(Folder, "*.csproj", SearchOption.AllDirectories)
            .Where(path => XDocument.Load(path).Descendants("GenerateDocumentationFile").Any(element => element.Value == "true"))
            .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/')).Order()];

    // The files that a part of docfx.json names, as patterns of paths from the top of the sources.
    private static List<Regex> Patterns(params string[] parts)
    {
        using var settings = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "docfx.json")));
        var groups = parts[0] == "metadata" ? settings.RootElement.GetProperty("metadata")[0].GetProperty("src").EnumerateArray()
            : parts.SelectMany(part => settings.RootElement.GetProperty("build").GetProperty(part).EnumerateArray());
        return [.. groups.SelectMany(group => group.GetProperty("files").EnumerateArray().Select(file =>
            (group.TryGetProperty("src", out var source) ? source.GetString() + "/" : "") + file.GetString()))
            .Select(glob => Regex.Escape(glob).Replace(@"\*\*/", "(.*/)?").Replace(@"\*\*", ".*").Replace(@"\*", "[^/]*"))
            .Select(pattern => new Regex($"^{pattern}$"))];
    }

    // The reference is made of the projects that docfx.json names.
    [Fact]
    public void Every_documented_project_is_in_the_reference()
    {
        var patterns = Patterns("metadata");
        Assert.True(Rooms().Length >= 7, $"only {Rooms().Length} projects were found");
        Assert.Empty(Rooms().Except(Rooms().Where(project => patterns.Any(pattern => pattern.IsMatch(project)))));
    }

    // docfx refuses a link to a file that docfx.json does not name; this says so without docfx.
    [Fact]
    public void Every_file_that_a_page_of_the_book_links_is_in_the_book()
    {
        var patterns = Patterns("content", "resource");
        bool IsInBook(string file) => patterns.Any(pattern => pattern.IsMatch(file));
        var links = Documents.Where(IsInBook).SelectMany(LinksOf).ToList();
        Assert.True(links.Count > 100, $"only {links.Count} links were found");
        Assert.False(IsInBook("docs/nothing.png") || IsInBook("daml"));
        Assert.Empty(links.Select(link => IsInBook(link.File) ? null : link.ToString()).OfType<string>());
    }

    [Fact]
    public void Every_public_type_says_what_it_is()
    {
        foreach (string name in Rooms().Select(project => Path.GetFileNameWithoutExtension(project)))
        {
            if (!File.Exists(Path.Combine(AppContext.BaseDirectory, $"{name}.dll"))) continue;
            var described = XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"{name}.xml")).Descendants("member")
                .Where(member => member.Elements().Any(element => element.Name.LocalName is "summary" or "inheritdoc"))
                .Select(member => member.Attribute("name")!.Value).ToHashSet();
            // (extension members are compiled into types of their own, whose names no source can have)
            var types = Assembly.Load(name).GetExportedTypes().Where(type => !type.FullName!.Contains('<')).ToList();
            Assert.NotEmpty(types);
            Assert.Empty(types.Select(type => $"T:{type.FullName!.Replace('+', '.')}").Except(described));
        }
    }
}

using System.Text.RegularExpressions;

namespace DaML.Tests;

/// <summary>The figures of docs/figures.md: each is drawn by its code, and the picture that the page shows is of that code.</summary>
public sealed partial class FigureDocumentTests
{
    private static readonly Lazy<IReadOnlyDictionary<string, Figure>> Drawn = new(Figures.All);

    public static TheoryData<string> Names =>
        ["bands", "quantiles", "hovmoeller", "heat", "map", "histogram", "ranks", "bars", "grid"];

    private static string Pictures => Path.Combine(SdkCommand.Sources, "docs", "images", "figures");

    [GeneratedRegex(@"<text[^>]*>([^<]*[\p{L}&][^<]*)</text>")]
    private static partial Regex Words();

    // Titles, axes and legends; numbers may differ in their last digit from one processor to the next.
    private static List<string> WordsOf(string svg) => [.. Words().Matches(svg).Select(match => match.Groups[1].Value)];

    [Theory, MemberData(nameof(Names))]
    public void The_picture_is_of_the_code_that_the_page_shows(string name)
    {
        Assert.Equal(Names.Select(row => row.Data).Order(), Drawn.Value.Keys.Order());
        string svg = Drawn.Value[name].ToSvg(), committed = File.ReadAllText(Path.Combine(Pictures, name + ".svg"));
        Assert.Equal(WordsOf(svg), WordsOf(committed));
        Assert.NotEmpty(WordsOf(svg));
        foreach (string element in (string[])["<polyline", "<polygon", "<image", "<circle"])
            Assert.Equal(Regex.Count(svg, element), Regex.Count(committed, element));
        string page = File.ReadAllText(Path.Combine(SdkCommand.Sources, "docs", "figures.md"));
        Assert.Contains($"](images/figures/{name}.svg)", page);
    }

    [Fact]
    public void The_page_quotes_how_to_write_files_and_a_page()
    {
        using var folder = new TemporaryFolder();
        Figures.Page(Drawn.Value["bands"], folder.FullName);
        Assert.Contains("<h1>An ETKF on Lorenz-96</h1>", File.ReadAllText(folder.File("report.html")));
        try { Figures.Write(Drawn.Value["bands"], folder.FullName); }
        catch (PictureException absent)    // a machine without rsvg-convert is told what to install
        {
            Assert.Contains("apt-get install librsvg2-bin", absent.Message);
        }
        Assert.True(File.Exists(folder.File("bands.svg")));
    }

    // Writes the pictures anew: run it by name after a figure has changed, and look at them.
    [Fact(Explicit = true)]
    public void Write_the_pictures()
    {
        foreach (var (name, figure) in Drawn.Value) figure.Save(Path.Combine(Pictures, name + ".svg"));
    }
}

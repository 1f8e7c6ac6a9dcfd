using System.Runtime.InteropServices;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>What every sample's page says of its run, and whether the reader of pages would see a fault.</summary>
public sealed class PageTests(PageReader reader) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-page-");

    public void Dispose() => folder.Delete(recursive: true);

    private string Page => Path.Combine(folder.FullName, "report.html");

    [Fact]
    public void APageSaysWhatWasRunOnWhatAndForHowLong()
    {
        var sample = new CommandLineTests.Fake("demo", run =>
        {
            run.Write(new HtmlReport("A page", [new ReportParagraph("Its text.")]));
            return CommandLineTests.Nothing(run);
        }, 5);
        string[] arguments = ["demo", "--seed", "7", "--out", folder.FullName + "/a b"];
        Assert.Equal(0, CommandLineTests.Daml([sample], CancellationToken.None, arguments).Code);
        string html = File.ReadAllText(Path.Combine(folder.FullName, "a b", "report.html"));
        string command = System.Net.WebUtility.HtmlEncode($"daml demo --seed 7 --out '{folder.FullName}/a b'");
        foreach (string text in (string[])["<h1>A page</h1>", "How this page was made", $"<dt>command</dt><dd>{command}</dd>",
            "<dt>seed</dt><dd>7</dd>", "<dt>device</dt><dd>cpu</dd>", "<dt>DaML</dt><dd>0.", $", {Environment.ProcessorCount} core",
            $"<dt>operating system</dt><dd>{RuntimeInformation.OSDescription}", "<dt>runtime</dt><dd>.NET 10.",
            $"<dd>TorchSharp {Machine.TorchSharpVersion}, libtorch {Version.Parse(TorchSharp.torch.__version__).ToString(3)}, "])
            Assert.Contains(text, html);
        Assert.Matches(@"<dt>begun</dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d UTC</dd>", html);
        Assert.Matches(@"<dt>time taken</dt><dd>\d+\.\d (seconds|minutes)</dd>", html);
    }

    [BrowserFact]
    public async Task TheReaderFindsFaults()
    {
        string wide = new('w', 200);
        var bars = new DaML.Plotting.BarChart("", new Axis("x"), [new Bar("a", 1)]) { Width = 300 };
        string svg = bars.ToSvg();
        async Task<string> FaultsOf(string body, string style = "")
        {
            File.WriteAllText(Page, $"<!DOCTYPE html><meta charset=\"utf-8\"/><style>{style}</style><body>{body}</body>");
            return (await Assert.ThrowsAsync<Xunit.Sdk.TrueException>(() => reader.Check(Page))).Message;
        }
        Assert.Contains("pixels wide", await FaultsOf($"<table><tr><td>{wide}</td></tr></table>"));
        Assert.Contains("'unseen' cannot be seen", await FaultsOf("<p style=\"display: none\">unseen</p>"));
        Assert.Contains("'faint' is faint", await FaultsOf("<p>faint</p>", "body { background: #fff; } p { color: #ccc; }"));
        Assert.Contains("'x' is cut", await FaultsOf($"<figure>{svg}</figure>".Replace(">x</text>", " dx=\"300\">x</text>")));
        Assert.Contains("overlap", await FaultsOf(
            $"<figure>{svg}</figure>".Replace("</svg>", "<text x=\"50\" y=\"60\">one</text><text x=\"52\" y=\"61\">two</text></svg>")));
        Assert.Contains("of its size", await FaultsOf($"<figure>{svg}</figure>", "svg { width: 100px; height: auto; }"));
        Assert.Contains("printed on rgb(0, 0, 0)", await FaultsOf("<p>text</p>", "@media print { body { background: #000; } }"));
        Assert.Contains("thrown", await FaultsOf("<p>text</p><script>throw new Error('thrown');</script>"));
    }

    // A page with everything that a page may hold.
    [BrowserFact]
    public async Task APageOfEverythingReadsWell()
    {
        string[] headers = [.. Enumerable.Range(1, 12).Select(i => $"a long column {i}")];
        var map = new HeatMap("A field", new double[8, 20].Fill((i, j) => Math.Sin(i * j / 10.0)), new CellAxis(new Axis("site"), 0, 1),
            new CellAxis(new Axis("time", "days"), 0, 0.5), ColorScale.Diverging(1, new Axis("anomaly", "hPa")));
        var line = LineSeries.Evenly("mean", 0, 1, [1, 2, 3, 4]) with
            { Bands = [LineBand.Around("± spread", [1, 2, 3, 4], [1, 1, 1, 1])] };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
        var run = new SampleRun(new SampleOptions { OutputFolder = folder.FullName }, console, CancellationToken.None)
            { CommandLine = "daml demo --out " + new string('x', 300) };
        run.Write(new HtmlReport("Everything that a page may hold, under a title that is long enough for two lines",
        [
            new ReportParagraph("Text. " + new string('y', 300)),
            new ReportTable("A wide table", headers, [headers, headers]),
            new ReportHeading("Figures"),
            new ReportFigure(new FigureGrid("Three", [map, map, new LineChart("Lines", new Axis("x"), new Axis("y"), [line])], 2),
                "A caption."),
            new ReportSettings(new Dictionary<string, object> { ["a.setting.with.a.long.name"] = new string('z', 300) }),
        ]));
        await reader.Check(Page);
    }
}

file static class Filling
{
    public static double[,] Fill(this double[,] values, Func<int, int, double> value)
    {
        for (int i = 0; i < values.GetLength(0); i++)
            for (int j = 0; j < values.GetLength(1); j++) values[i, j] = value(i, j);
        return values;
    }
}

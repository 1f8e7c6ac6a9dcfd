using System.Text.Json;
using System.Xml.Linq;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The demo from end to end in its smallest form: some optimiser steps, some test cycles.</summary>
public sealed class DemoTests(DemoTests.Outcome outcome, PageReader reader) : IClassFixture<DemoTests.Outcome>
{
    private const int BurnIn = 150, Cycles = 60, Steps = 40;

    /// <summary>One run of the demo for all tests.</summary>
    public sealed class Outcome : IDisposable
    {
        public Outcome()
        {
            var output = new StringWriter();
            var error = new StringWriter();
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
            console.Profile.Width = 120;
            Code = CommandLine.Run(
                ["demo", "--minutes", "5", "--seed", "4", "--out", Folder.FullName, "--json", Path.Combine(Folder.FullName, "result.json")],
                [new DemoSample(BurnIn, Cycles, Steps)], console, error, CancellationToken.None);
            (Output, Error) = (output.ToString(), error.ToString());
        }

        public DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("daml-demo-");
        public int Code { get; }
        public string Output { get; }
        public string Error { get; }

        public void Dispose() => Folder.Delete(recursive: true);
    }

    private string PathOf(string name) => Path.Combine(outcome.Folder.FullName, name);

    [BrowserFact]
    public async Task ItsPageReadsWell() => await reader.Check(PathOf("report.html"));

    [Fact]
    public void ItEndsWellAndSaysWhatItWrote()
    {
        Assert.Equal("", outcome.Error);
        Assert.Equal(0, outcome.Code);
        string[] expected = ["errors.svg", "fields.svg", "learned.daml", "report.html", "result.json", "scores.svg", "training.svg"];
        Assert.Equal(expected, outcome.Folder.GetFiles().Select(file => file.Name).Order(StringComparer.Ordinal));
        foreach (string name in expected) Assert.Contains(PathOf(name), outcome.Output.ReplaceLineEndings(""));
    }

    [Fact]
    public void ItsJsonHasTheAgreedFigures()
    {
        var root = JsonDocument.Parse(File.ReadAllText(PathOf("result.json"))).RootElement;
        Assert.Equal("demo", root.GetProperty("name").GetString());
        var metrics = root.GetProperty("metrics").EnumerateObject().ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());
        Assert.Equal(
            ["rmse.3dvar", "rmse.enkf_n.20", "rmse.enkf_n.40", "rmse.etkf.20", "rmse.etkf.40", "rmse.learned", "rmse.learned.reloaded",
                "rmse.observations", "seconds.training"],
            metrics.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(metrics["rmse.observations"], 0.95, 1.05);
        Assert.InRange(metrics["rmse.3dvar"], 0.33, 0.48);
        Assert.Equal(metrics["rmse.learned"], metrics["rmse.learned.reloaded"], 1e-6);
        foreach (string filter in (string[])["etkf.20", "etkf.40", "enkf_n.20", "enkf_n.40"])
            Assert.InRange(metrics["rmse." + filter], 0.12, 0.35);
        Assert.True(metrics["seconds.training"] > 0);
        Assert.Equal(4, root.GetProperty("settings").GetProperty("seed").GetInt64());
    }

    [Fact]
    public void ItsTableStandsOnTheConsoleAndOnThePage()
    {
        string html = File.ReadAllText(PathOf("report.html"));
        var page = XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!;
        var cells = page.Descendants("td").Select(cell => cell.Value).ToList();
        foreach (string method in (string[])["observations alone", "3D-Var", "learned", "learned, reloaded", "ETKF, 20 members",
            "ETKF, 40 members", "EnKF-N, 20 members", "EnKF-N, 40 members"])
        {
            Assert.Contains(method, cells);
            Assert.Contains(method, outcome.Output);
            Assert.Contains(cells[cells.IndexOf(method) + 1], outcome.Output);
        }
        Assert.Equal(4, page.Descendants("figure").Count());
    }

    [Fact]
    public void ItsFiguresAreDrawings()
    {
        foreach (string name in (string[])["errors.svg", "fields.svg", "scores.svg", "training.svg"])
        {
            var svg = XDocument.Load(PathOf(name)).Root!;
            Assert.Equal("svg", svg.Name.LocalName);
            Assert.InRange(new FileInfo(PathOf(name)).Length, 1000, 400_000);
        }
        // four panels and their colour bars
        Assert.Equal(8, XDocument.Load(PathOf("fields.svg")).Descendants().Count(element => element.Name.LocalName == "image"));
    }

    [Fact]
    public void ItsModelIsReadBackAndAnalyses()
    {
        var context = new DataAssimilationContext(4);
        var model = context.Model.Load<SequentialAssimilation<StateMemory>>(PathOf("learned.daml"));
        var analyzer = Assert.IsType<LearnedAnalyzer<StateMemory>>(model.Triple.Analyzer);
        Assert.NotEmpty(analyzer.History!.Steps);
        var lorenz96 = new Lorenz96();
        var twin = context.Data.Twin(new AssimilationSystem(lorenz96, ObservationNetwork.Full(lorenz96.Dimension)), new() { Cycles = 5 });
        Assert.True(double.IsFinite(context.Scores.Evaluate(model.Transform(twin)).AnalysisRmse.Mean));
    }
}

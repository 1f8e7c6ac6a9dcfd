using System.Text.Json;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The sample that drives a program outside, run short.</summary>
public sealed class AskAndTellSampleTests(PageReader reader) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-ask-and-tell-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task TheProgramOutsideGivesTheNumbersOfTheModelInProcessAndItsCrashesAreHandled()
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 140;
        string json = Path.Combine(folder.FullName, "r.json");
        // 1,200 runs of which run 1,008 is one at which the process dies
        int code = CommandLine.Run(["sample", "ask-and-tell", "--out", folder.FullName, "--json", json],
            [new DemoSample(), new AskAndTellSample(burnIn: 10, cycles: 30)], console, error, CancellationToken.None);
        Assert.Equal("", error.ToString());
        Assert.Equal(0, code);
        var metrics = JsonDocument.Parse(File.ReadAllText(json)).RootElement.GetProperty("metrics");
        double Metric(string name) => metrics.GetProperty(name).GetDouble();
        // the same operations in the same order: to the bit where nothing fuses them
        Assert.InRange(Metric("difference.outside"), 0, 1e-12);
        Assert.Equal(Metric("rmse.inside"), Metric("rmse.outside"), 1e-12);
        Assert.InRange(Metric("rmse.inside"), 0.1, 0.5);
        Assert.InRange(Metric("rmse.crashing"), 0.1, 0.6);
        Assert.InRange(Metric("crashes.runs"), 18, 40);
        Assert.Equal(1, Metric("crashes.processes"));
        Assert.Contains("awk program that crashes", output.ToString());
        Assert.False(File.Exists(Path.Combine(folder.FullName, "ask-and-tell.checkpoint")));
        Assert.Contains("errors.svg", output.ToString());
        await reader.Check(Path.Combine(folder.FullName, "report.html"));
    }
}

using System.Text.Json;
using System.Xml.Linq;
using DaML.Samples;

namespace DaML.Tests;

/// <summary>The sample from end to end in its smallest form: some optimiser steps, few values, some test cycles.</summary>
public sealed class Bocquet2025Tests(Bocquet2025Tests.Outcome outcome, PageReader reader) : IClassFixture<Bocquet2025Tests.Outcome>
{
    private static readonly Bocquet2025Plan Tiny = new()
    {
        Members = 10, EnsembleIntervals = [0.05, 1.4], EnsembleForcings = [8], Certainties = [1, 2], BurnIn = 20, EnsembleTrajectories = 2,
        EnsembleCycles = 40,
        TestTrajectories = 2, TestCycles = 40, Intervals = [0.05, 0.1], Forcings = [7], DegradedIntervals = [0.05],
        InnovationLinearIntervals = [0.05],
        Network = new() { Filters = 4, Blocks = 1, SubBlocks = 1, InnovationTerm = InnovationTerm.Trainable },
        InnovationLinear = new() { Network = new() { Filters = 4, Blocks = 1, SubBlocks = 1 }, Columns = 2 },
        First = new(80, 1e-2, 1), Next = new(10, 5e-3, 1), Batch = 8, ValidationTrajectories = 2, FewestCycles = 2, MostCycles = 4,
        DiagnosedTrajectories = 2, DiagnosedCycles = 20, GainTrajectories = 2, GainCycles = 2, GainEvery = 1,
        Truncations = [1, 4], TruncationIntervals = [0.1], OfTruncation = new(80, 1e-2, 1), Batches = [4, 8, 16],
        TrajectoryCounts = [256, 512, 1024], DataLearningRate = 1e-2,
    };

    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome : IDisposable
    {
        public Outcome() => (Code, Output, Error) = Run(Folder.FullName, CancellationToken.None);

        public DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("daml-bocquet2025-");
        public int Code { get; }
        public string Output { get; }
        public string Error { get; }

        public void Dispose() => Folder.Delete(recursive: true);
    }

    private static (int Code, string Output, string Error) Run(string folder, CancellationToken cancellation, params string[] more) =>
        CommandLineTests.Daml([new CommandLineTests.Fake("demo", CommandLineTests.Nothing, 5), new Bocquet2025Sample(Tiny)], cancellation,
            ["sample", "bocquet2025", "--out", folder, "--json", Path.Combine(folder, "result.json"), .. more.Contains("--seed") ? more
                : [.. more, "--seed", "3"]]);

    private string PathOf(string name) => Path.Combine(outcome.Folder.FullName, name);

    private static JsonElement MetricsIn(string folder) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "result.json"))).RootElement.GetProperty("metrics");

    private JsonElement Metrics => MetricsIn(outcome.Folder.FullName);

    [BrowserFact]
    public async Task ItsPageReadsWell() => await reader.Check(PathOf("report.html"));

    [Fact]
    public void ItEndsWellAndDraws()
    {
        Assert.Equal("", outcome.Error);
        Assert.Equal(0, outcome.Code);
        string html = File.ReadAllText(PathOf("report.html"));
        Assert.Equal(9, XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!.Descendants("figure").Count());
        foreach (string name in (string[])["update-step", "forcing", "increments", "innovations", "patterns-by-size", "patterns-by-network",
            "truncation", "truncation-by-update-step", "data"])
            Assert.Equal("svg", XDocument.Load(PathOf(name + ".svg")).Root!.Name.LocalName);
    }

    [Fact]
    public void ItsSweepsHaveEveryValueAndMethodAndNoNumberForWhatIsLost()
    {
        (double, string)[] Points(string sweep) =>
            [.. Metrics.GetProperty(sweep).EnumerateArray()
                .Select(point => (point.GetProperty("value").GetDouble(), point.GetProperty("method").GetString()!))];
        Assert.Equal(
            [(0.05, "EnKF-N"), (1.4, "EnKF-N"), (0.05, "IEnKF-N"), (1.4, "IEnKF-N"), (0.05, "casual network"), (0.1, "casual network"),
                (0.05, "linear in the innovation"),
            (0.05, "blind network"), (0.05, "linear network")], Points("sweep.dt"));
        Assert.Equal([(8, "EnKF-N"), (8, "IEnKF-N"), (7, "casual network"), (8, "casual network")], Points("sweep.F"));
        var errors = Metrics.GetProperty("sweep.dt").EnumerateArray().Select(point => point.GetProperty("rmse")).ToList();
        Assert.Equal(JsonValueKind.Null, errors[1].ValueKind);    // ten members, more than two Lyapunov times between updates
        Assert.Contains("lost", outcome.Output);
        foreach (var error in errors.Where(error => error.ValueKind != JsonValueKind.Null)) Assert.InRange(error.GetDouble(), 0.1, 1);
        // the network both sweeps share
        Assert.Equal(errors[4].GetDouble(), Metrics.GetProperty("sweep.F").EnumerateArray().Last().GetProperty("rmse").GetDouble());
    }

    [Fact]
    public void ItMeasuresWhatTheNetworkHasLearned()
    {
        foreach (string kind in (string[])["", ".n80", ".half", ".random", ".random_from_half"])
        {
            // two hidden layers see six sites to either side
            Assert.InRange(Metrics.GetProperty("gain.locality" + kind).GetDouble(), 0.5, 1);
            Assert.InRange(Metrics.GetProperty("gain.equivariance_error" + kind).GetDouble(), 0, 1e-3);
        }
        Assert.InRange(Metrics.GetProperty("gain.likeness.n80").GetDouble(), -1, 1);
        foreach (string name in (string[])["scaling.gamma", "scaling.alpha", "scaling.beta", "scaling.ratio", "rmse.casual",
            "rmse.n_iter.4", "rmse.n_iter.4.dt.0.1", "increments.slope.0.05", "innovations.deviation.0.1"])
            Assert.InRange(Metrics.GetProperty(name).GetDouble(), 1e-4, 100);
    }

    [Fact]
    public void ResumingMeasuresOnlyWhatIsMissing()
    {
        var copy = Directory.CreateTempSubdirectory("daml-bocquet2025-resumed-");
        try
        {
            string parts = Path.Combine(copy.FullName, "parts");
            Directory.CreateDirectory(parts);
            foreach (string file in Directory.GetFiles(PathOf("parts"))) File.Copy(file, Path.Combine(parts, Path.GetFileName(file)));
            string again = Path.Combine(parts, "F-8.00-EnKF-N.json");
            File.Delete(again);
            var before = Directory.GetFiles(parts).ToDictionary(file => file, File.GetLastWriteTimeUtc);
            Assert.Equal((0, ""),
                (Run(copy.FullName, CancellationToken.None, "--resume") is var (code, _, error) ? (code, error) : default));
            Assert.True(File.Exists(again));
            Assert.All(before, file => Assert.Equal(file.Value, File.GetLastWriteTimeUtc(file.Key)));
            // the point measured again is the same to the bit
            foreach (string sweep in (string[])["sweep.dt", "sweep.F"])
                Assert.Equal(Metrics.GetProperty(sweep).ToString(), MetricsIn(copy.FullName).GetProperty(sweep).ToString());

            var other = Run(copy.FullName, CancellationToken.None, "--resume", "--seed", "4");
            Assert.Equal(CommandLine.Misuse, other.Code);
            Assert.Contains("was written by a run with other settings", other.Error);
        }
        finally { copy.Delete(recursive: true); }
    }

    [Fact]
    public void AStoppedRunCanBeResumedAndAnEmptyFolderCannot()
    {
        var empty = Directory.CreateTempSubdirectory("daml-bocquet2025-empty-");
        try
        {
            var refused = Run(empty.FullName, CancellationToken.None, "--resume");
            Assert.Equal(CommandLine.Misuse, refused.Code);
            Assert.Contains("there is no run to continue", refused.Error);
            var stopped = Run(empty.FullName, new CancellationToken(canceled: true));
            Assert.Equal(CommandLine.Stopped, stopped.Code);
            Assert.Contains("--resume", stopped.Error);
            Assert.False(File.Exists(Path.Combine(empty.FullName, "result.json")));
        }
        finally { empty.Delete(recursive: true); }
    }
}

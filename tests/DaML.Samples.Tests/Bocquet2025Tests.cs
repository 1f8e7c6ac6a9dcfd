using System.Text.Json;
using System.Xml.Linq;
using DaML.Samples;

namespace DaML.Tests;

/// <summary>The sample from end to end in its smallest form: some optimiser steps, few values, some test cycles.</summary>
public sealed class Bocquet2025Tests(Bocquet2025Tests.Outcome outcome) : IClassFixture<Bocquet2025Tests.Outcome>
{
    private static readonly Bocquet2025Plan Tiny = new()
    {
        Members = 10, EnsembleIntervals = [0.05, 1.4], EnsembleForcings = [8], Certainties = [1, 2], BurnIn = 20, EnsembleTrajectories = 2, EnsembleCycles = 40,
        TestTrajectories = 2, TestCycles = 40, Intervals = [0.05, 0.1], Forcings = [7],
        Network = new() { Filters = 4, Blocks = 1, SubBlocks = 1, InnovationTerm = InnovationTerm.Trainable },
        First = new(60, 1e-2, 1), Next = new(10, 1e-2, 1), Batch = 8, ValidationTrajectories = 2, FewestCycles = 2, MostCycles = 4,
    };

    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome : IDisposable
    {
        public Outcome() => (Code, Output, Error) = Run(CancellationToken.None);

        public DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("daml-bocquet2025-");
        public int Code { get; }
        public string Output { get; }
        public string Error { get; }

        public (int Code, string Output, string Error) Run(CancellationToken cancellation, params string[] more) => CommandLineTests.Daml([new CommandLineTests.Fake("demo", CommandLineTests.Nothing, 5), new Bocquet2025Sample(Tiny)],
            cancellation, ["sample", "bocquet2025", "--seed", "3", "--out", Folder.FullName, "--json", Path.Combine(Folder.FullName, "result.json"), .. more]);

        public void Dispose() => Folder.Delete(recursive: true);
    }

    private string PathOf(string name) => Path.Combine(outcome.Folder.FullName, name);

    private JsonElement Metrics => JsonDocument.Parse(File.ReadAllText(PathOf("result.json"))).RootElement.GetProperty("metrics");

    [Fact]
    public void ItEndsWellAndDraws()
    {
        Assert.Equal("", outcome.Error);
        Assert.Equal(0, outcome.Code);
        string html = File.ReadAllText(PathOf("report.html"));
        Assert.NotEmpty(XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!.Descendants("figure"));
    }

    [Fact]
    public void ItsSweepsHaveEveryValueAndMethod()
    {
        (double, string)[] Points(string sweep) => [.. Metrics.GetProperty(sweep).EnumerateArray().Select(point => (point.GetProperty("value").GetDouble(), point.GetProperty("method").GetString()!))];
        Assert.Equal([(0.05, "EnKF-N"), (1.4, "EnKF-N"), (0.05, "IEnKF-N"), (1.4, "IEnKF-N"), (0.05, "casual network"), (0.1, "casual network")], Points("sweep.dt"));
        Assert.Equal([(8, "EnKF-N"), (8, "IEnKF-N"), (7, "casual network"), (8, "casual network")], Points("sweep.F"));
    }
}

using DaML.Samples;
using TorchSharp;

namespace DaML.Tests;

/// <summary>The sample of an emulator inside 4D-Var, on the shorter record and with few optimiser steps.</summary>
public sealed class PodLstmTests : IClassFixture<PodLstmTests.Outcome>
{
    private readonly Outcome outcome;
    private readonly PageReader reader;
    private readonly IReadOnlyDictionary<string, double> metrics;

    public PodLstmTests(Outcome outcome, PageReader reader)
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        (this.outcome, this.reader) = (outcome, reader);
        metrics = outcome.Result.Metrics;
    }

    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome() : SampleOutcome("pod-lstm", () => new PodLstmSample(
        [FieldCase.Height with { TrainingSteps = 100, Observing = [FieldCase.Height.Observing[0]] }]));

    [BrowserFact]
    public async Task ItsPageReadsWell() => await reader.Check(Path.Combine(outcome.Folder.FullName, "report.html"));

    [Fact]
    public void Every_method_is_measured_at_every_lead_with_and_without_observations()
    {
        string[] methods =
        [
            "persistence", "climatology", "damped", "ridge", "lim", "lstm",
            "lstm_4dvar", "lstm_4dvar_cycled", "lstm_etkf", "lstm_enkfn",
        ];
        foreach (string method in methods)
            foreach (int day in (int[])[1, 3, 5, 10, 20])
                foreach (string score in (string[])["rmse", "mae", "rmse_standard_error", "structural_similarity"])
                {
                    Assert.True(metrics[$"{score}.{method}.day{day}"] > 0, $"{score} of {method} at {day}");
                    if (!method.StartsWith("lstm_", StringComparison.Ordinal))
                        Assert.True(metrics[$"from_truth.{score}.{method}.day{day}"] > 0);
                }
    }

    [Fact]
    public void What_needs_no_learning_has_the_errors_that_the_file_says()
    {
        // Persistence and climatology of 2002 computed from the file by numpy (double precision, least squares of one harmonic
        // over 2000-01 to 2001-06, area weights, starts of
        // 2001-12-31 to 2002-12-11).
        Assert.Equal(53.677, metrics["from_truth.rmse.persistence.day1"], 1e-3);
        Assert.Equal(98.945, metrics["from_truth.rmse.climatology.day5"], 1e-3);
    }

    [Fact]
    public void Assimilation_makes_better_forecasts_of_the_next_days_than_maps_of_the_same_observations()
    {
        foreach (string method in (string[])["lstm_4dvar", "lstm_4dvar_cycled", "lstm_etkf", "lstm_enkfn"])
            Assert.InRange(metrics[$"rmse.{method}.day1"] / metrics["rmse.lstm.day1"], 0.8, 0.96);
        Assert.InRange(metrics["rmse.lstm_4dvar.day3"] / metrics["rmse.lstm.day3"], 0.95, 1);
        Assert.True(metrics["from_truth.rmse.lstm.day1"] < metrics["rmse.lstm_4dvar.day1"]);
    }

    [Fact]
    public void The_network_on_the_ridge_is_level_with_it_and_both_beat_what_knows_less()
    {
        Assert.InRange(metrics["from_truth.rmse.lstm.day1"] / metrics["from_truth.rmse.ridge.day1"], 0.97, 1.02);
        foreach (string method in (string[])["persistence", "climatology", "damped", "lim"])
            Assert.True(metrics["from_truth.rmse.lstm.day1"] < metrics[$"from_truth.rmse.{method}.day1"], method);
    }

    [Fact]
    public void The_gradient_is_the_gradient()
    {
        Assert.InRange(metrics["gradient.relative_error"], 0, 1e-3);   // the network computes in single precision
        Assert.Equal(3 * 10 + 3 * 10, metrics["gradient.components"]);
    }

    [Fact]
    public void Its_files_are_written_and_read_again()
    {
        string[] names = ["report.html", "z500-main-skill.svg", "z500-main-improvement.svg", "z500-day.svg", "z500-training.svg"];
        foreach (string name in names)
            Assert.True(new FileInfo(Path.Combine(outcome.Folder.FullName, name)).Length > 1000, name);
        var context = new DataAssimilationContext(seed: 1);
        var field = new Column("field");
        string path = Path.Combine(outcome.Folder.FullName, "z500-analyses.nc");
        var analyses = context.Data.FromNetCdf(path, "hgt", field, new() { Interval = 1 });
        Assert.Equal(13 * 17, analyses.Schema[field].Shape[0]);
        Assert.Equal(60, LatitudeLongitudeGrid.FromNetCdf(path, "hgt").Latitudes[0]);
        using var cursor = analyses.OpenCursor();
        Assert.True(cursor.MoveNext());
        Assert.InRange(cursor[field].mean().ToDouble(), 5000, 6000);
        var emulator = context.Model.Load<AutoregressiveModel>(Path.Combine(outcome.Folder.FullName, "z500-emulator.daml"));
        Assert.Equal(100, ((AutoregressiveEmulator)emulator.Dynamics).History!.Steps.Count);
    }

    [Fact]
    public void It_says_where_assimilation_is_better_and_that_the_data_are_not_the_papers()
    {
        string printed = outcome.Printed.ToString();
        foreach (string shown in (string[])["ms a day", "Jb", "Jq", "Jo"]) Assert.Contains(shown, printed, StringComparison.Ordinal);
        Assert.Contains("by more than two standard errors", printed.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains("not the paper's", new PodLstmSample().Details.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }
}

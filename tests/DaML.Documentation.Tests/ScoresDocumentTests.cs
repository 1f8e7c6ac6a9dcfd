using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DaML.Tests;

public partial class DocumentTests
{
    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonFence();

    [Theory]
    [InlineData("evaluate")]
    [InlineData("score")]
    [InlineData("track")]
    public void Scores_quotes_the_marked_lines(string mark) => Assert.Contains(Marked("Scores.cs", mark), Quoted("scores.md"));

    [Fact]
    public void The_scores_example_is_of_a_filter_that_follows_its_truth()
    {
        var context = new DataAssimilationContext(5);
        var dynamics = new Lorenz96(12);
        var network = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, network);
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 500 });
        var output = new StringWriter();
        var report = Scoring.Run(context, network, twin,
            context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 20, Inflation = Inflation.StandardDeviation(1.02) }),
            output);
        Assert.InRange(report.AnalysisRmse.Mean, 0.1, 0.3);
        Assert.InRange(report[new InnovationChiSquare(network)].Mean, 0.8, 1.2);
        Assert.InRange(report[new LargestError()].Mean, report.AnalysisRmse.Mean, 1);
        Assert.Contains("CRPS 0.", output.ToString());

        var tracked = Scoring.Track(context, dynamics, network, twin,
            context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 20, Inflation = Inflation.StandardDeviation(1.02) }),
            output);
        Assert.Equal((0L, 0L), (tracked.LostTruths, tracked.Tracking!.Losses));
        Assert.Equal(report.AnalysisRmse.Mean, tracked.Tracking.TrackedRmse, 1e-12);
        Assert.Contains("0.0 losses in 1,000 cycles", output.ToString());
    }

    [Fact]
    public void The_row_that_scores_shows_is_of_a_shipped_experiment()
    {
        var row = JsonNode.Parse(JsonFence().Match(Document("scores.md")).Groups[1].Value)!;
        Assert.Equal(["experiment", "method", "settings", "expected", "tolerance", "source"], row.AsObject().Select(member => member.Key));
        var shipped = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "reference-scores.json")))!;
        Assert.NotNull(shipped["experiments"]![row["experiment"]!.ToString()]);
    }
}

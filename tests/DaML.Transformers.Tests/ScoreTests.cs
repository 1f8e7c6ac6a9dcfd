using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ScoreTests
{
    private readonly DataAssimilationContext context = new(19);

    private MemoryTrajectoryView View(params (Column Column, Tensor Values)[] columns)
    {
        long cycles = columns[0].Values.shape[0];
        return context.Data.FromMemory(columns.ToDictionary(pair => pair.Column, pair => pair.Values),
            [.. Enumerable.Range(1, (int)cycles).Select(i => (double)i)]);
    }

    [Fact]
    public void Scores_are_the_averages_their_definition_says()
    {
        using var scope = NewDisposeScope();
        var truth = zeros(3, 2, 2, dtype: ScalarType.Float64);
        // [cycle, trajectory, component]; the first cycle is burn-in
        var analysis = tensor(new double[,,] { { { 9, 9 }, { 9, 9 } }, { { 3, 4 }, { 0, 0 } }, { { 1, 1 }, { 2, 2 } } });
        var mask = tensor(new[] { true, true, true, true, true, false, false, false, false, true, true, true }, 3, 2, 2);
        using var view = View((Columns.Truth, truth), (Columns.Analysis, analysis), (Columns.Forecast, 2 * analysis),
            (Columns.AnalysisSpread, analysis.abs()), (Columns.Observation, analysis + 1), (Columns.ObservationMask, mask));
        var report = context.Scores.Evaluate(view, new ScoreOptions { BurnIn = 1 });

        double a = Math.Sqrt(12.5);
        Assert.Equal((a + 1 + 0 + 2) / 4, report.AnalysisRmse.Mean, 14);
        Assert.Equal((a + 1 + 0 + 2) / 2, report.ForecastRmse.Mean, 14);
        Assert.Equal([(a + 1) / 2, 1], report.AnalysisRmse.PerTrajectory.Select(value => Math.Round(value, 14)),
            (x, y) => Math.Abs(x - y) < 1e-13);
        Assert.Equal([9, a / 2, 1.5], report.AnalysisRmse.PerCycle, (x, y) => Math.Abs(x - y) < 1e-13);
        Assert.Equal(report.AnalysisRmse.Mean, report.AnalysisSpread!.Mean, 14);
        Assert.Null(report.ForecastSpread);
        // Observed: trajectory 0 in cycle 1 component 0 (error 4), in cycle 2 component 1 (2); trajectory 1 in cycle 1 nothing, in cycle 2
        // both (3).
        Assert.Equal((3 + 3) / 2.0, report.ObservationRmse!.Mean, 14);
        Assert.Equal(2, report.Cycles);
        Assert.Equal(2, report.Trajectories);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(40)]
    public void Errors_and_spreads_are_those_of_the_tensors_in_any_precision_and_view(int n)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("kernel");
        var truth = random.Normal([4, 3, n], ScalarType.Float64);
        var analysis = random.Normal([4, 3, n], ScalarType.Float64);
        var expected = (analysis - truth).square().mean([2]).sqrt().mean([0]).data<double>().ToArray();
        var spread = analysis.square().mean([2]).sqrt().mean([0]).data<double>().ToArray();
        foreach (var (other,
            tolerance) in new[]
                { (analysis, 1e-14), (analysis.transpose(1, 2).contiguous().transpose(1, 2), 1e-14),
                    (analysis.to(ScalarType.Float32), 1e-6) })
        {
            using var view = View((Columns.Truth, truth), (Columns.Analysis, other), (Columns.AnalysisSpread, other));
            var report = context.Scores.Evaluate(view);
            Assert.Equal(expected, report.AnalysisRmse.PerTrajectory, (a, b) => Math.Abs(a / b - 1) < tolerance);
            Assert.Equal(spread, report.AnalysisSpread!.PerTrajectory, (a, b) => Math.Abs(a / b - 1) < tolerance);
        }
    }

    [Fact]
    public void Standard_error_is_that_of_independent_numbers()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("standard error");
        // The size of one normal number: mean sqrt(2/pi), variance 1 - 2/pi.
        using var view = View((Columns.Truth, zeros(2000, 20, 1, dtype: ScalarType.Float64)),
            (Columns.Analysis, random.Normal([2000, 20, 1], ScalarType.Float64)));
        var rmse = context.Scores.Evaluate(view).AnalysisRmse;
        double expected = Math.Sqrt((1 - 2 / Math.PI) / 40000);
        Assert.InRange(rmse.StandardError / expected, 0.8, 1.2);
        Assert.InRange(Math.Abs(rmse.Mean - Math.Sqrt(2 / Math.PI)) / expected, 0, 4);
    }

    [Fact]
    public void Observations_alone_have_their_own_error_and_are_left_out_where_they_are_no_states()
    {
        var dynamics = new Lorenz96();
        var report =
            context.Scores.Evaluate(
                context.Data.Twin(new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension, 4)),
                    new() { Batch = 4, Cycles = 200 }));
        Assert.InRange(report.ObservationRmse!.Mean, 1.97, 2.02); // 2 (1 - 1 / 160)
        Assert.Contains("'analysis'", Assert.Throws<SchemaException>(() => report.AnalysisRmse).Message);
        var strided = context.Data.Twin(new AssimilationSystem(dynamics, ObservationNetwork.Strided(dynamics.Dimension, 2)),
            new() { Cycles = 2 });
        Assert.Throws<SchemaException>(() => context.Scores.Evaluate(strided));
    }

    [Fact]
    public void Progress_is_reported_work_is_cancelled_and_what_cannot_be_scored_is_refused()
    {
        var dynamics = new Lorenz96();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var twin = context.Data.Twin(system, new() { Cycles = 30 });
        var reports = new List<ProgressReport>();
        context.Scores.Evaluate(twin, new ScoreOptions { Progress = new Immediate(reports.Add), Activity = "listening" });
        Assert.Equal(30, reports[^1].Completed);
        Assert.Equal(30, reports[^1].Total);
        Assert.Equal("listening", reports[^1].Activity);
        Assert.True(reports[^1].Metrics.ContainsKey(nameof(ScoreReport.ObservationRmse)));

        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => context.Scores.Evaluate(twin, cancellation: source.Token));
        Assert.Contains("endless view", Assert.Throws<ArgumentException>(() => context.Scores.Evaluate(context.Data.Twin(system))).Message);
        Assert.Contains("30 cycles",
            Assert.Throws<ArgumentException>(() => context.Scores.Evaluate(twin, new ScoreOptions { BurnIn = 30 })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Scores.Evaluate(twin, new ScoreOptions { BurnIn = -1 }));
    }

    [Fact]
    public void Standard_scores_are_found_by_what_they_are_not_by_name_or_place()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("standard");
        Tensor Draw() => random.Normal([6, 3, 4], ScalarType.Float64);
        using var view = View((Columns.Truth, Draw()), (Columns.Analysis, Draw()), (Columns.Forecast, Draw()),
            (Columns.AnalysisSpread, Draw()), (Columns.ForecastSpread, Draw()), (Columns.Observation, Draw()));
        var report = context.Scores.Evaluate(view, new ScoreOptions
        {
            Scores = [StandardScores.ForecastRmse, new RootMeanSquareError(Columns.Forecast)],
        });
        foreach (var (score, value) in ((IScore, TimeAverage?)[])[(StandardScores.AnalysisRmse, report.AnalysisRmse),
            (StandardScores.ForecastRmse, report.ForecastRmse), (StandardScores.AnalysisSpread, report.AnalysisSpread),
            (StandardScores.ForecastSpread, report.ForecastSpread), (StandardScores.ObservationRmse, report.ObservationRmse)])
            Assert.Equal(value!.PerTrajectory, report[score].PerTrajectory);
        Assert.Equal(report.ForecastRmse.PerTrajectory, report[new RootMeanSquareError(Columns.Forecast)].PerTrajectory);

        // Without a truth, a score of the user's is none of the standard ones, whatever its name and place.
        using var blind = View((Columns.Analysis, full([6, 3, 4], 1e6, dtype: ScalarType.Float64)));
        var like = new Named(nameof(ScoreReport.AnalysisRmse));
        var named = context.Scores.Evaluate(blind, new ScoreOptions { LostTruthBound = 1, Scores = [like] });
        Assert.Equal(0, named.Divergences);
        Assert.Equal(1e6, named[like].Mean);
        Assert.Throws<SchemaException>(() => named.AnalysisRmse);
        Assert.Contains("'AnalysisRmse' was not measured",
            Assert.Throws<ArgumentException>(() => named[StandardScores.AnalysisRmse]).Message);
    }

    [Theory]
    [InlineData(0.0, 0)]
    [InlineData(0.3, 3)]
    [InlineData(0.34, 3)]
    [InlineData(0.7, 7)]
    public void A_burn_in_of_model_time_is_that_of_the_cycles_in_it(double time, int cycles)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("burn-in");
        foreach (double start in (double[])[0, -3.7, 1e4])
        {
            double at = start;
            var times = Enumerable.Range(0, 10).Select(_ => at += 0.1).ToArray();    // sums of rounded steps
            using var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            {
                [Columns.Truth] = random.Normal([10, 2, 3], ScalarType.Float64),
                [Columns.Analysis] = random.Normal([10, 2, 3], ScalarType.Float64),
            }, times, start);
            var every = new Named("every third", 3);
            ScoreReport Of(ScoreOptions options) =>
                context.Scores.Evaluate(view, options with { Scores = [every], TruthBounds = new(1.5, 1) });
            var (expected, report) = (Of(new() { BurnIn = cycles }), Of(new() { BurnInTime = time }));
            Assert.Equal(10 - cycles, report.Cycles);
            Assert.Equal(expected.AnalysisRmse.PerTrajectory, report.AnalysisRmse.PerTrajectory);
            Assert.Equal(expected[every].PerTrajectory, report[every].PerTrajectory);
            Assert.Equal(expected.Tracking, report.Tracking);
        }
    }

    [Fact]
    public void A_burn_in_that_cannot_be_is_refused()
    {
        using var scope = NewDisposeScope();
        using var view = View((Columns.Truth, zeros(4, 1, 2)), (Columns.Analysis, ones(4, 1, 2)));
        ScoreReport With(ScoreOptions options) => context.Scores.Evaluate(view, options);
        Assert.Contains("Leave out BurnIn or BurnInTime",
            Assert.Throws<ArgumentException>(() => With(new() { BurnIn = 1, BurnInTime = 1 })).Message);
        Assert.Contains("none is left after a burn-in of 4 units of time",
            Assert.Throws<ArgumentException>(() => With(new() { BurnInTime = 4 })).Message);
        foreach (double time in (double[])[-1, double.NaN, double.PositiveInfinity])
            Assert.Throws<ArgumentOutOfRangeException>(() => With(new() { BurnInTime = time }));
    }

    /// <summary>The largest analysis.</summary>
    private sealed class Named(string name, long every = 1) : IScore
    {
        public string Name => name;
        public IReadOnlyList<Column> Requires => [Columns.Analysis];
        public long Every => every;
        public Tensor Of(ScoredCycle cycle) => cycle[Columns.Analysis].amax([1]);
    }

    private sealed class Immediate(Action<ProgressReport> action) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => action(value);
    }
}

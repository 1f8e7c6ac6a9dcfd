using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class TuningTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(53);

    // Two states without dynamics, three trajectories; what is tuned is how far from the truth an "analysis" is.
    private MemoryTrajectoryView Still(long cycles = 20)
    {
        using var scope = NewDisposeScope();
        var truth = arange(cycles * 3 * 2, dtype: ScalarType.Float64).reshape(cycles, 3, 2);
        return context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Truth] = truth },
            [.. Enumerable.Range(1, (int)cycles).Select(i => (double)i)]);
    }

    // The analysis error of trajectory b is error(b).
    private sealed class Off(Func<int, double> error) : CycleTransformer("off", new([new(Columns.Truth, 2)], [new(Columns.Analysis, 2)]))
    {
        protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle)
        {
            double[] errors = [.. Enumerable.Range(0, 3).Select(error)];
            return errors.Any(double.IsNegativeInfinity) ? throw new DivergenceException("off", cycle.Cycle, cycle.Time, 1e9)
                : [cycle[Columns.Truth] + tensor(errors).unsqueeze(-1)];
        }
    }

    private TuningEstimator<Off> Tune(TuningSearch search, Func<double, int, double> error, TuningOptions? options = null,
        DataAssimilationContext? other = null) =>
        (other ?? context).Analysis.Tune("setting", search, value => new Off(b => error(value, b)), options);

    [Fact]
    public void Recovers_a_known_optimum()
    {
        using var view = Still();
        double Valley(double value, int b) => Math.Abs(value - 1.37) * (1 + b) + 0.2;
        var golden = Tune(TuningSearch.GoldenSection(0, 5, 1e-7), Valley).Tune(view);
        Assert.InRange(golden.Values[0], 1.37 - 1e-7, 1.37 + 1e-7);
        Assert.Equal(0.2, golden.Curve.Best.Score, 6);
        Assert.False(golden.Curve.AtEdge);
        // log(1e-7 / (2 * 5/7)) / log(0.618) = 34.2: the grid, and 36 more.
        Assert.Equal(8 + 36, golden.Curve.Points.Count);
        Assert.Equal(golden.Curve.Points.OrderBy(point => point.Values[0]), golden.Curve.Points);

        var logarithmic = Tune(TuningSearch.GoldenSection(1e-4, 1e3, 1e-6, SearchScale.Logarithmic),
            (value, _) => Math.Abs(Math.Log(value / 0.02)) + 1).Tune(view);
        Assert.InRange(Math.Log(logarithmic.Values[0] / 0.02), -1e-6, 1e-6);

        var grid = Tune(TuningSearch.Grid(0, 5, 11), Valley).Tune(view);
        Assert.Equal([1.5], grid.Values);
        Assert.Equal(11, grid.Curve.Points.Count);
        Assert.Equal(0.13 * 2 + 0.2, grid.Curve.Best.Score, 12);
        for (int b = 0; b < 3; b++) Assert.Equal(0.13 * (1 + b) + 0.2, grid.Curve.Best.PerTrajectory[b], 12);
        // The optimum below the search: its edge, and it says so.
        var edge = Tune(TuningSearch.GoldenSection(2, 5, 1e-3), Valley).Tune(view);
        Assert.Equal([2], edge.Values);
        Assert.True(edge.Curve.AtEdge);
    }

    [Fact]
    public void Searches_two_settings_by_their_grids()
    {
        using var view = Still();
        var result = context.Analysis.Tune(new("one", TuningSearch.Grid(1, 2, 3)),
            new("two", TuningSearch.Grid(0.1, 10, 3, SearchScale.Logarithmic)),
            (one, two) => new Off(_ => Math.Abs(one - 1.5) + Math.Abs(Math.Log10(two)) + 1)).Tune(view);
        Assert.Equal(9, result.Curve.Points.Count);
        Assert.Equal([1.5, 1], result.Values);
        Assert.False(result.Curve.AtEdge);
        Assert.Contains("two = 0.1", result.Curve.ToFigure("two settings").ToSvg());
    }

    [Fact]
    public void A_candidate_that_diverges_is_infinitely_bad_and_a_plateau_gives_its_smallest_value()
    {
        using var view = Still();
        // Ends the run below 1, diverges on one trajectory above 3, is equally good between.
        double Edge(double value, int b) => value < 1 ? double.NegativeInfinity : value > 3 && b == 1 ? 100 : 0.5;
        var options = new TuningOptions { LostTruthBound = 10 };
        var result = Tune(TuningSearch.Grid(0.5, 4, 8), Edge, options).Tune(view);
        Assert.Equal([1], result.Values);
        Assert.Equal([3L, 0, 0, 0, 0, 0, 1, 1], result.Curve.Points.Select(point => point.Divergences));
        Assert.Equal(3, result.Curve.Points.Count(point => double.IsPositiveInfinity(point.Score)));
        // The median does not mind one of three.
        var median = Tune(TuningSearch.Grid(0.5, 4, 8), Edge, options with { Aggregate = TuningAggregate.Median }).Tune(view);
        Assert.Equal(1, median.Curve.Points.Count(point => double.IsPositiveInfinity(point.Score)));
        // Golden sections next to a cliff stay on the side that works.
        var cliff = Tune(TuningSearch.GoldenSection(0, 7, 1e-3), (value, b) => value < 1.234 ? double.NegativeInfinity : value, options)
            .Tune(view);
        Assert.InRange(cliff.Values[0], 1.234, 1.2355);
        string svg = result.Curve.ToFigure("plateau").ToSvg();
        Assert.Contains("analysis RMSE", svg);
        Assert.Contains("setting", svg);

        var hopeless = Assert.Throws<InvalidOperationException>(() => Tune(TuningSearch.Grid(0, 0.5, 3), Edge).Tune(view));
        Assert.Contains("every one of 3 candidates diverged", hopeless.Message);
        Assert.IsType<DivergenceException>(hopeless.InnerException);
    }

    [Fact]
    public void The_inflation_of_a_filter_is_tuned_in_six_lines_whatever_the_number_of_threads()
    {
        var dynamics = new Lorenz96(20);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var training = context.Data.Twin(system, new() { Batch = 4, Stream = "tuning" });
        TuningResult<SequentialAssimilation<EnsembleMemory>> Tuned(int threads) =>
            context.Analysis.Tune("inflation", TuningSearch.Grid(0.9, 1.5, 7),
            inflation =>
                context.Analysis.EnsembleTransformKalmanFilter(system,
                    new() { Members = 24, Inflation = Inflation.StandardDeviation(inflation),
                        DivergenceHandling = DivergenceHandling.Isolate }),
                            new TuningOptions { Cycles = 150, BurnIn = 50, Threads = threads }).Tune(training);
        var serial = Tuned(1);
        var parallel = Tuned(4);
        Assert.Equal(serial.Curve.Points.Select(point => point.Score), parallel.Curve.Points.Select(point => point.Score));
        Assert.Equal(serial.Curve.Points.SelectMany(point => point.PerTrajectory),
            parallel.Curve.Points.SelectMany(point => point.PerTrajectory));
        Assert.Equal(serial.Values, parallel.Values);
        foreach (var point in serial.Curve.Points)
            output.WriteLine($"{point.Values[0]:f2}: {point.Score:f4}, {point.Divergences} divergences");
        Assert.InRange(serial.Values[0], 0.95, 1.15);
        Assert.True(serial.Curve.Points[0].Score > 2 * serial.Curve.Best.Score
            && serial.Curve.Points[^1].Score > 1.3 * serial.Curve.Best.Score);
        // The method is the one of the best value.
        var test = context.Data.Twin(system, new() { Batch = 2, Cycles = 30, Stream = "test" });
        double Score(ITransformer method) => context.Scores.Evaluate(method.Transform(test)).AnalysisRmse.Mean;
        Assert.Equal(
            Score(context.Analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = 24, Inflation = Inflation.StandardDeviation(serial.Values[0]) })), Score(serial.Method));
    }

    [Fact]
    public void Candidates_with_something_to_learn_learn_from_one_view_and_are_scored_on_another()
    {
        using var view = Still();
        using var other = Still(12);
        var seen = new List<long?>();
        var tuning = context.Analysis.Tune("setting", TuningSearch.Grid(1, 2),
            value => new Learner(data => { lock (seen) seen.Add(data.CycleCount); return new Off(_ => value); }));
        Assert.Equal("learner", tuning.Name);
        var method = tuning.Fit(other, view);
        Assert.Equal([12, 12], seen);
        Assert.Equal(1, context.Scores.Evaluate(method.Transform(view)).AnalysisRmse.Mean, 12);
    }

    private sealed class Learner(Func<ITrajectoryView, Off> learn) : IEstimator<Off>
    {
        public string Name => "learner";
        public SchemaContract Contract => new([new(Columns.Truth, 2)], [new(Columns.Analysis, 2)]);
        public Off Fit(ITrajectoryView data, CancellationToken cancellation = default) => learn(data);
    }

    [Fact]
    public void Reports_its_progress_and_can_be_cancelled()
    {
        using var view = Still();
        var reports = new List<ProgressReport>();
        var listening = new DataAssimilationContext(new DataAssimilationOptions { Progress = new Immediate(reports.Add) });
        Tune(TuningSearch.GoldenSection(0, 5, 0.01), (value, _) => Math.Abs(value - 2.2), other: listening).Tune(view);
        Assert.All(reports, report => Assert.Equal("tuning off", report.Activity));
        Assert.Equal(Enumerable.Range(1, reports.Count).Select(i => (long)i), reports.Select(report => report.Completed));
        Assert.Equal(reports[^1].Total, reports[^1].Completed);
        Assert.InRange(reports[^1].Metrics["setting"], 2, 2.5);
        Assert.InRange(reports[^1].Metrics["analysis RMSE"], 0, 0.3);

        using var source = new CancellationTokenSource();
        var stopping = new DataAssimilationContext(new DataAssimilationOptions { Progress = new Immediate(_ => source.Cancel()) });
        Assert.Throws<OperationCanceledException>(() =>
            Tune(TuningSearch.GoldenSection(0, 5, 0.01), (value, _) => value + 1, other: stopping).Tune(view, source.Token));
    }

    [Fact]
    public void What_goes_wrong_in_a_candidate_is_thrown_as_it_is()
    {
        using var view = Still();
        var refused = Assert.Throws<ArgumentOutOfRangeException>(() =>
            Tune(TuningSearch.Grid(1, 2, 3), (_, _) => throw new ArgumentOutOfRangeException("what", "mine")).Tune(view));
        Assert.Contains("mine", refused.Message);
    }

    [Fact]
    public void Bad_settings_are_refused()
    {
        Assert.Throws<ArgumentException>(() => TuningSearch.Grid());
        Assert.Throws<ArgumentException>(() => TuningSearch.Grid(1, 1));
        Assert.Throws<ArgumentException>(() => TuningSearch.Grid(1, double.NaN));
        Assert.Throws<ArgumentException>(() => TuningSearch.Grid(2, 1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => TuningSearch.Grid(1.0, 2.0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TuningSearch.GoldenSection(0, 1, 0.1, SearchScale.Logarithmic));
        Assert.Throws<ArgumentOutOfRangeException>(() => TuningSearch.GoldenSection(0, 1, 0));
        var grid = TuningSearch.Grid(1, 2, 3);
        Assert.Throws<ArgumentException>(() => context.Analysis.Tune(" ", grid, _ => new Off(_ => 1)));
        Assert.Contains("must have different names; both are",
            Assert.Throws<ArgumentException>(() =>
                context.Analysis.Tune(new("a", grid), new("a", grid), (_, _) => new Off(_ => 1))).Message);
        Assert.Contains("give each of two settings a grid",
            Assert.Throws<ArgumentException>(() =>
                context.Analysis.Tune(new("a", grid), new("b", TuningSearch.GoldenSection(0, 1, 0.1)), (_, _) => new Off(_ => 1))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Tune(grid, (_, _) => 1, new TuningOptions { Threads = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tune(grid, (_, _) => 1, new TuningOptions { Cycles = 10, BurnIn = 10 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tune(grid, (_, _) => 1, new TuningOptions { LostTruthBound = 0 }));
        using var view = Still();
        Assert.Contains("burn-in of 20",
            Assert.Throws<ArgumentException>(() => Tune(grid, (_, _) => 1, new TuningOptions { BurnIn = 20 }).Tune(view)).Message);
        var endless = context.Data.Twin(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3)));
        Assert.Throws<SchemaException>(() => Tune(grid, (_, _) => 1).Tune(endless));
        var lorenz = new Lorenz63();
        Assert.Contains("ends", Assert.Throws<ArgumentException>(() => context.Analysis.Tune("inflation", grid,
            inflation =>
                context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(lorenz, ObservationNetwork.Full(lorenz.Dimension)),
                    new() { Members = 5, Inflation = Inflation.StandardDeviation(inflation) })).Tune(endless)).Message);
    }

    private sealed class Immediate(Action<ProgressReport> action) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => action(value);
    }
}

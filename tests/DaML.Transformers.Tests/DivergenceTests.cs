using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A trajectory that diverges is set apart: flagged, counted, never averaged in, and without any effect on the others.</summary>
public sealed class DivergenceTests
{
    private const int Batch = 4, Cycles = 20, Bad = 2, At = 7;
    private readonly DataAssimilationContext context = new(29);
    private readonly Lorenz96 dynamics = new(8);
    private readonly ObservationNetwork network;

    public DivergenceTests() => network = ObservationNetwork.Full(dynamics.Dimension);

    private MemoryTrajectoryView Twin() =>
        context.Data.Twin(new AssimilationSystem(dynamics, network), new() { Batch = Batch, Cycles = Cycles }).Materialise();

    // The same cycles, but what one trajectory observes in one cycle is far away.
    private MemoryTrajectoryView Poisoned(MemoryTrajectoryView clean, double value)
    {
        using var scope = NewDisposeScope();
        var observations = clean[Columns.Observation].clone();
        observations[At, Bad] = value;
        return context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Truth] = clean[Columns.Truth], [Columns.Observation] = observations }, clean.Times);
    }

    private SequentialAssimilation<EnsembleMemory> Transform(DivergenceHandling handling, double bound = double.PositiveInfinity) =>
        context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(dynamics, network),
            new() { Members = 12, Inflation = Inflation.StandardDeviation(1.05), Rotation = EnsembleRotation.MeanPreserving,
                DivergenceHandling = handling, DivergenceBound = bound });

    private SequentialAssimilation<EnsembleMemory> Stochastic(DivergenceHandling handling) =>
        context.Analysis.StochasticEnsembleKalmanFilter(new AssimilationSystem(dynamics, network),
            new() { Members = 12, DivergenceHandling = handling });

    // Values of the other trajectories in all cycles, and what the column of divergences says.
    private static (double[] Others, bool[][] Flags) Read(ITrajectoryView view)
    {
        var others = new List<double>();
        var flags = new List<bool[]>();
        using var cursor = view.OpenCursor();
        while (cursor.MoveNext())
        {
            using var scope = NewDisposeScope();
            for (int b = 0; b < Batch; b++)
                if (b != Bad)
                    foreach (var column in (Column[])[Columns.Forecast, Columns.Analysis, Columns.AnalysisSpread])
                        others.AddRange(cursor[column][b].data<double>().ToArray());
            if (view.Schema.Has(Columns.Diverged)) flags.Add(cursor[Columns.Diverged].data<bool>().ToArray());
            Assert.True(cursor[Columns.Analysis].isfinite().all().ToBoolean()
                && cursor[Columns.ForecastSpread].isfinite().all().ToBoolean());
        }
        return ([.. others], [.. flags]);
    }

    [Theory]
    [InlineData(1e200, double.PositiveInfinity)]    // the model overflows
    [InlineData(1e4, 100.0)]                        // finite, but beyond the bound
    public void The_others_are_the_same_to_the_bit(double value, double bound)
    {
        using var clean = Twin();
        using var poisoned = Poisoned(clean, value);
        var (expected, none) = Read(Transform(DivergenceHandling.Stop).Transform(clean));
        Assert.Empty(none);
        Assert.Throws<DivergenceException>(() => Read(Transform(DivergenceHandling.Stop, bound).Transform(poisoned)));

        var isolated = Transform(DivergenceHandling.Isolate, bound).Transform(poisoned);
        var (others, flags) = Read(isolated);
        Assert.Equal(expected, others);
        for (int cycle = 0; cycle < Cycles; cycle++)
            for (int b = 0; b < Batch; b++)
                if (b != Bad || cycle < At) Assert.False(flags[cycle][b]);
                else if (cycle > At + 1) Assert.True(flags[cycle][b]);
        Assert.Equal(flags, Read(isolated).Flags);
        Assert.All(Read(Transform(DivergenceHandling.Isolate).Transform(clean)).Flags, cycle => Assert.DoesNotContain(true, cycle));
    }

    [Fact]
    public void An_analysis_that_fails_for_one_trajectory_sets_that_one_apart()
    {
        using var clean = Twin();
        var fragile = Fragile(DivergenceHandling.Isolate);
        var (expected, _) = Read(Fragile(DivergenceHandling.Stop).Transform(clean));
        using var poisoned = Poisoned(clean, Failing.Trigger);
        var stopped = Assert.Throws<DivergenceException>(() => Read(Fragile(DivergenceHandling.Stop).Transform(poisoned)));
        Assert.Equal((At, "analysis"), (stopped.Cycle, stopped.Stage));
        Assert.Contains("the analyzer 'fragile' failed: not positive definite", stopped.Message);
        Assert.IsType<ArithmeticException>(stopped.InnerException);
        var (others, flags) = Read(fragile.Transform(poisoned));
        Assert.Equal(expected, others);
        Assert.Equal(Enumerable.Range(0, Cycles).Select(cycle => cycle >= At), flags.Select(cycle => cycle[Bad]));
        Assert.Equal(0, flags.Sum(cycle => cycle.Where((flag, b) => flag && b != Bad).Count()));

        SequentialAssimilation<EnsembleMemory> Fragile(DivergenceHandling handling)
        {
            var whole = Stochastic(handling);
            return new("fragile", whole.Triple with { Analyzer = new Failing(whole.Triple.Analyzer) }, network, context,
                new SequentialAssimilationOptions { DivergenceHandling = handling });
        }
    }

    // As a solver fails: for the whole batch, if one of its trajectories holds what it cannot take; the second try of a cycle finds a fresh
    // ensemble.
    private sealed class Failing(IAnalyzer<EnsembleMemory> inner) : IAnalyzer<EnsembleMemory>
    {
        public const double Trigger = 60;
        private readonly Dictionary<double, Tensor> seen = [];

        public string Name => "fragile";

        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
        {
            var analysis = inner.Analyze(forecast, observation, random);
            var poisoned = observation.Values.amax([1]) == Trigger;
            if (!poisoned.any().ToBoolean()) return analysis;
            var members = forecast.Members[poisoned][0];
            if (!seen.TryGetValue(observation.Time, out var first))
                seen.Add(observation.Time, first = members.clone().DetachFromDisposeScope());
            return members.equal(first).all().ToBoolean() ? throw new ArithmeticException("not positive definite") : analysis;
        }
    }

    [Fact]
    public void Bad_input_is_no_divergence()
    {
        using var clean = Twin();
        var method = Transform(DivergenceHandling.Isolate);
        var wrong = new SequentialAssimilation<EnsembleMemory>("wrong", method.Triple with { Analyzer = new Refusing() }, network, context,
            method.Options);
        Assert.Throws<ArgumentException>(() => Read(wrong.Transform(clean)));
    }

    private sealed class Refusing : IAnalyzer<EnsembleMemory>
    {
        public string Name => "refusing";
        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
            throw new ArgumentException("bad input");
    }

    [Fact]
    public void Scores_count_it_and_leave_it_out()
    {
        using var clean = Twin();
        using var poisoned = Poisoned(clean, 1e200);
        var whole = context.Scores.Evaluate(Transform(DivergenceHandling.Stop).Transform(clean), new ScoreOptions { BurnIn = 5 });
        Assert.Equal(0, whole.Divergences);
        var report = context.Scores.Evaluate(Transform(DivergenceHandling.Isolate).Transform(poisoned), new ScoreOptions { BurnIn = 5 });
        Assert.Equal(1, report.Divergences);
        Assert.Equal(TrajectoryOutcome.Diverged, report.Outcomes[Bad]);
        Assert.Equal(Batch, report.Trajectories);
        for (int b = 0; b < Batch; b++)
            Assert.Equal(b == Bad ? double.NaN : whole.AnalysisRmse.PerTrajectory[b], report.AnalysisRmse.PerTrajectory[b]);
        Assert.Equal(whole.AnalysisRmse.PerTrajectory.Where((_, b) => b != Bad).Average(), report.AnalysisRmse.Mean, 14);
        Assert.True(double.IsFinite(report.AnalysisRmse.StandardError) && double.IsFinite(report.AnalysisSpread!.Mean));
    }

    [Fact]
    public void A_trajectory_that_lost_its_truth_is_counted_where_a_bound_says_so()
    {
        using var scope = NewDisposeScope();
        var analysis = zeros(10, 3, 2, dtype: ScalarType.Float64);
        analysis[TensorIndex.Colon, 1] = 5;
        analysis[0] = 100;    // burn-in
        using var view =
            context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Truth] = ones(10, 3, 2, dtype: ScalarType.Float64), [Columns.Analysis] = analysis },
            [.. Enumerable.Range(1, 10).Select(i => (double)i)]);
        Assert.Equal(0, context.Scores.Evaluate(view, new ScoreOptions { BurnIn = 1 }).Divergences);
        var report = context.Scores.Evaluate(view, new ScoreOptions { BurnIn = 1, LostTruthBound = 3 });
        Assert.Equal([TrajectoryOutcome.Scored, TrajectoryOutcome.LostTruth, TrajectoryOutcome.Scored], report.Outcomes);
        Assert.Equal(1, report.AnalysisRmse.Mean, 14);
        Assert.Equal(3, context.Scores.Evaluate(view, new ScoreOptions { BurnIn = 1, LostTruthBound = 0.5 }).Divergences);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Scores.Evaluate(view, new ScoreOptions { LostTruthBound = 0 }));
    }

    [Fact]
    public void The_handling_is_saved_with_the_method()
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            context.Model.Save(Transform(DivergenceHandling.Isolate, 50), path);
            var loaded = ModelArchive.Read<SequentialAssimilation<EnsembleMemory>>(path,
                new ComponentRegistry(DynamicsComponents.All.Concat(TransformerComponents.All)), context);
            Assert.Equal(DivergenceHandling.Isolate, loaded.Options.DivergenceHandling);
            Assert.Equal(50, loaded.Options.DivergenceBound);
            Assert.Contains(new ColumnDefinition(Columns.Diverged), loaded.Contract.Adds);
        }
        finally { File.Delete(path); }
    }
}

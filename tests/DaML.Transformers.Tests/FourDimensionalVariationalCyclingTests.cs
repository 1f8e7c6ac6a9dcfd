using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var in the one assimilation loop: its windows, and how well it does.</summary>
public sealed class FourDimensionalVariationalCyclingTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(29);

    private static readonly IncrementalOptions Precise = new()
    {
        OuterIterations = 4, ControlTolerance = 1e-10,
        InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 100, ResidualReduction = 1e-13 }),
    };

    [Fact]
    public void Without_a_window_it_is_3D_Var()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(8);
        var system = new AssimilationSystem(dynamics,
            new ObservationNetwork(new SubsetObservationOperator(8, 0, 2, 3, 6), ErrorCovariance.Scalar(4, 0.5),
                new MissingAtRandomPattern(0.2)));
        using var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 6 }).Materialise();
        var start = new GaussianInitialCondition(full(8, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(8, 1));
        var b = ErrorCovariance.Scalar(8, 0.7);
        using var expected = context.Analysis.ThreeDimensionalVariational(system with { Initial = start },
            new() { Background = new KnownBackground(b), Stream = "same" }).Run(twin);
        using var actual = context.Analysis.FourDimensionalVariational(system with { Initial = start },
            new() { Background = new KnownBackground(b), Window = WindowCycling.Instant, Stream = "same", Minimisation = Precise })
            .Run(twin);
        while (expected.MoveNext())
        {
            Assert.True(actual.MoveNext());
            Compare.Close(expected[Columns.Forecast], actual[Columns.Forecast], 1e-11);
            Compare.Close(expected[Columns.Analysis], actual[Columns.Analysis], 1e-11);
        }
        Assert.Equal(5, expected.Cycle);
    }

    [Theory]
    [InlineData(WindowObservations.New)]
    [InlineData(WindowObservations.All)]
    public void Overlapping_windows_begin_where_they_should_and_take_in_what_they_should(WindowObservations observations)
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(8);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Interval = 0.1 };
        using var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 8 }).Materialise();
        var b = ErrorCovariance.Scalar(8, 0.3);
        var method = context.Analysis.FourDimensionalVariational(system,
            new() { Background = new KnownBackground(b), Window = WindowCycling.Overlapping(4, 2), Observations = observations });
        using var run = method.Run(twin);
        var analyzer = (FourDimensionalVariationalAnalyzer)method.Triple.Analyzer;

        // By hand: the background of a window is the analysis of the one before, run to where the window begins.
        var all = new List<Observation>();
        State? start = null;
        int begin = 0, used = 0;
        for (int cycle = 1; cycle <= 8; cycle++)
        {
            Assert.True(run.MoveNext());
            all.Add(new(run[Columns.Observation].clone(), null, run.Time));
            start ??= new State(run.Forecast.Start.State.clone());
            if (cycle % 2 == 1) // none is due
            {
                Compare.Close(run[Columns.Forecast], run[Columns.Analysis], 0);
                continue;
            }
            if (cycle - begin > 4)
            {
                start = new State(dynamics.Advance(start.Value.Values, new TimeInterval(0.1 * begin, 0.1 * (cycle - 4))));
                begin = cycle - 4;
            }
            var taken = all.Skip(observations == WindowObservations.New ? used : begin).ToList();
            Assert.Equal(taken.Count, analyzer.Window(run.Forecast.Remember(all[^1])).Observations.Count);
            var result = analyzer.Method.Minimise(new(start.Value, new TimeInterval(0.1 * begin, 0.1 * cycle), 0.05, taken));
            Compare.Close(result.End.Values, run[Columns.Analysis], 1e-12);
            Compare.Close(result.Analysis.Values, run.Analysis.Start.State, 1e-12);
            start = result.Analysis;
            used = cycle;
        }
        Assert.Equal(4, begin);
    }

    [Fact]
    public void Every_windows_result_is_shown_to_the_observer()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(8);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        using var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 6 }).Materialise();
        var seen = new List<(double End, long Iterations)>();
        using var run = context.Analysis.FourDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.3)), Window = WindowCycling.Disjoint(3),
                Observer = window =>
                    seen.Add((window.End.Values[0, 0].ToDouble(), window.OuterIterations.Sum(outer => outer.Inner.Iterations))) })
                    .Run(twin);
        var ends = new List<double>();
        while (run.MoveNext())
            if (run.Cycle % 3 == 2) ends.Add(run[Columns.Analysis][0, 0].ToDouble());
        Assert.Equal(ends, seen.Select(window => window.End));
        Assert.All(seen, window => Assert.InRange(window.Iterations, 1, 100));
    }

    [Fact]
    public void Is_equivariant_under_a_shift_of_the_circle()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(12);
        using var random = context.Random("shift");
        var start = new AttractorInitialCondition(dynamics, 20).Draw(1, random, ScalarType.Float64);
        var y = Enumerable.Range(1, 4).Select(k => random.Normal([1, 12], ScalarType.Float64) + start).ToList();
        var method =
            new IncrementalFourDimensionalVariational(
                new FourDimensionalVariationalCost(dynamics, [new BackgroundTerm(ErrorCovariance.Scalar(12, 0.5))],
            [new ObservationTerm(new IdentityObservationOperator(12), ErrorCovariance.Scalar(12, 1))]), Precise);
        Tensor Analysis(long shift) => method.Minimise(new(new State(start.roll(shift, -1)), new TimeInterval(0, 0.2), 0.05,
            [.. y.Select((values, k) => new Observation(values.roll(shift, -1), null, 0.05 * (k + 1)))])).Analysis.Values;
        Compare.Close(Analysis(0).roll(5, -1), Analysis(5), 1e-11);
    }

    private static FourDimensionalVariational Plain =>
        new() { Background = new KnownBackground(ErrorCovariance.Scalar(40, 0.05)), Window = WindowCycling.Overlapping(8, 4) };

    // A cycle of 4D-Var on Lorenz-96 that recycles r Ritz vectors, between windows or not at all (one outer loop), and its iterations.
    private (SequentialAssimilation<WindowMemory<StateMemory>> Method, List<int> Iterations) Recycling(int r, bool betweenWindows,
        FourDimensionalVariational? options = null, int outerIterations = 1, double reduction = 1e-6,
        OuterStep step = OuterStep.Halved)
    {
        var iterations = new List<int>();
        var dynamics = new Lorenz96(40);
        options ??= Plain;
        var method = context.Analysis.FourDimensionalVariational(new AssimilationSystem(dynamics, ObservationNetwork.Full(40)), options with
            {
                Stream = "recycling", Observer = window => iterations.Add(window.OuterIterations.Sum(outer => outer.Inner.Iterations)),
                Minimisation = new IncrementalOptions
                {
                    OuterIterations = outerIterations, ControlTolerance = 0, Step = step,
                    InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 100, ResidualReduction = reduction }),
                    Preconditioning = new LimitedMemoryPreconditioning(new RecycledEigenpairs(r, betweenWindows)),
                },
            });
        return (method, iterations);
    }

    private MemoryTrajectoryView Lorenz96Twin(long batch, int cycles) =>
        context.Data.Twin(new AssimilationSystem(new Lorenz96(40), ObservationNetwork.Full(40)), new() { Batch = batch, Cycles = cycles })
            .Materialise();

    [Theory]
    [InlineData(1, 20, 0.85)]    // one outer loop: nothing to recycle but from windows before
    [InlineData(1, 30, 0.7)]
    [InlineData(3, 30, 0.9)]     // with three loops, those of one window recycle too
    public void What_windows_hand_on_saves_iterations_and_leaves_the_analyses_alone(int outerIterations, int r, double saved)
    {
        using var scope = NewDisposeScope();
        using var twin = Lorenz96Twin(2, 48);
        // The cost of an increment that is off by a residual of 1e-9, against the condition number of some 100.
        var (with, iterations) = Recycling(r, true, outerIterations: outerIterations, reduction: 1e-9);
        var (without, plain) = Recycling(r, false, outerIterations: outerIterations, reduction: 1e-9);
        using var run = with.Run(twin);
        using var expected = without.Run(twin);
        while (run.MoveNext())
        {
            Assert.True(expected.MoveNext());
            Compare.Close(expected[Columns.Analysis], run[Columns.Analysis], 1e-6);
            Assert.Null(expected.Analysis.HandedOn);
            if (run.Cycle < 3) Assert.Null(run.Analysis.HandedOn);
            else
            {
                // r vectors at most, however long the cycle; here kept on to where the next analysis is due.
                Assert.InRange(run.Analysis.HandedOn!.Vectors.size(1), 1, r);
                Assert.Equal(2, run.Analysis.HandedOn.Vectors.size(0));
                Assert.Null(run.Analysis.HandedOn.Products);
            }
        }
        Assert.Equal(12, iterations.Count);
        double ratio = iterations.Skip(3).Sum() / (double)plain.Skip(3).Sum();
        output.WriteLine(
            $"{outerIterations} outer loops, {r} vectors: {plain.Skip(3).Average():f1} iterations, handed on " +
                $"{iterations.Skip(3).Average():f1}");
        Assert.InRange(ratio, 0, saved);
    }

    [Fact]
    public void What_windows_hand_on_is_the_runs_own_and_the_method_comes_back_from_a_file()
    {
        using var scope = NewDisposeScope();
        using var twin = Lorenz96Twin(2, 16);
        var (method, _) = Recycling(15, true);
        double[][] Analyses(SequentialAssimilation<WindowMemory<StateMemory>> transformer, bool predict = false)
        {
            var analyses = new List<double[]>();
            using var run = transformer.Run(twin);
            while (run.MoveNext())
            {
                if (predict) run.Predict(run.Time + 0.3).Release();
                analyses.Add(run[Columns.Analysis].data<double>().ToArray());
            }
            return [.. analyses];
        }
        double[][] first = Analyses(method);
        Assert.Equal(first, Analyses(method, predict: true));
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            context.Model.Save(method, path);
            Assert.Equal(first, Analyses(ModelArchive.Read<SequentialAssimilation<WindowMemory<StateMemory>>>(path,
                new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]), context)));
        }
        finally { File.Delete(path); }
        using (NewDisposeScope())
        {
            long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
            using (var run = method.Run(twin))
                while (run.MoveNext()) { }
            Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        }
    }

    [Fact]
    public void A_trajectory_that_is_started_afresh_is_handed_nothing()
    {
        using var scope = NewDisposeScope();
        using var twin = Lorenz96Twin(3, 24);
        var observations = twin[Columns.Observation].clone();                                          // [cycles, batch, p]
        observations[TensorIndex.Slice(8, 12), 1] = 80;
        using var poisoned = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = observations },
            twin.Times);
        var (method, _) = Recycling(15, true, Plain with { DivergenceBound = 6, DivergenceHandling = DivergenceHandling.Isolate },
            step: OuterStep.Full);
        using var run = method.Run(poisoned);
        using var clean = method.Run(twin);
        while (run.MoveNext())
        {
            Assert.True(clean.MoveNext());
            Compare.Close(clean[Columns.Analysis][0], run[Columns.Analysis][0], 1e-8);
            Compare.Close(clean[Columns.Analysis][2], run[Columns.Analysis][2], 1e-8);
            if (run.Cycle < 3) continue;
            var known = run.Analysis.HandedOn!.Known.any(-1).data<bool>().ToArray();
            Assert.Equal([true, run.Cycle is < 11 or >= 15, true], known);
            if (run.Cycle == 11) Assert.Equal(0, run.Analysis.HandedOn.Vectors[1].abs().max().ToDouble());
        }
        Assert.Equal(23, run.Cycle);
    }

    [Fact]
    public void What_a_window_handed_on_is_left_where_the_next_has_another_control_vector()
    {
        using var scope = NewDisposeScope();
        // A weak constraint has model errors in every step, and the first windows are shorter than the others.
        using var twin = Lorenz96Twin(1, 16);
        var weak = Plain with { Priors = [new ModelErrorTerm(ErrorCovariance.Scalar(40, 0.01))] };
        var (method, iterations) = Recycling(20, true, weak, reduction: 1e-8);
        var (without, plain) = Recycling(20, false, weak, reduction: 1e-8);
        using var run = method.Run(twin);
        using var expected = without.Run(twin);
        while (run.MoveNext())
        {
            Assert.True(expected.MoveNext());
            Compare.Close(expected[Columns.Analysis], run[Columns.Analysis], 1e-6);
        }
        Assert.Equal(plain[..2], iterations[..2]);
        Assert.True(iterations[3] < plain[3]);
    }

    [Fact]
    public void Lorenz_96_every_step_observed_it_is_clearly_better_than_3D_Var()
    {
        using var scope = NewDisposeScope();
        var (dynamics, network, covariance, start) = Setting(new Lorenz96());
        var system = new AssimilationSystem(dynamics, network) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = 240 }).Materialise();
        double Rmse(ITransformer method)
        {
            var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = 60 });
            output.WriteLine($"{method.Name}: {report.AnalysisRmse}");
            return report.AnalysisRmse.Mean;
        }
        double FourD(double scale, WindowCycling windows, WindowObservations use = WindowObservations.New) =>
            Rmse(context.Analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Full(scale * covariance)), Window = windows,
                    Observations = use }));
        Assert.InRange(
            Rmse(context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Full(0.02 * covariance)) })), 0.38, 0.45);
        Assert.InRange(FourD(0.01, WindowCycling.Disjoint(2)), 0.28, 0.37);   // half of the cycles have no analysis
        Assert.InRange(FourD(0.002, WindowCycling.Overlapping(8, 4)), 0.23, 0.31);
        Assert.InRange(FourD(0.002, WindowCycling.Overlapping(8, 4), WindowObservations.All), 0.23, 0.32);
    }

    [Fact]
    public void A_weak_constraint_helps_where_the_model_errs()
    {
        using var scope = NewDisposeScope();
        var q = ErrorCovariance.Scalar(40, 0.05);
        var (dynamics, network, covariance, start) = Setting(new Lorenz96 { ModelError = q });
        var system = new AssimilationSystem(dynamics, network) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 120 }).Materialise();
        double Rmse(string name, params IPriorTerm[] priors)
        {
            var method = context.Analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Full(0.01 * covariance)), Window = WindowCycling.Disjoint(4),
                    Name = name, Priors = priors });
            var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = 40 });
            output.WriteLine($"{name}: {report.AnalysisRmse}");
            return report.AnalysisRmse.Mean;
        }
        Assert.InRange(Rmse("weak", new ModelErrorTerm(q)) / Rmse("strong"), 0.5, 0.95);
    }

    // Model, fully observed with R = I, climatological covariance, and where truth and method start.
    private (Lorenz96 Dynamics, IObservationNetwork Network, Tensor Covariance, GaussianInitialCondition Start) Setting(Lorenz96 dynamics)
    {
        using var random = context.Random("climatology");
        var states = new AttractorInitialCondition(dynamics, 20).Draw(1500, random, ScalarType.Float64);
        return (dynamics, ObservationNetwork.Full(dynamics.Dimension), states.T.cov(),
            new GaussianInitialCondition(full(40, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1)));
    }
}

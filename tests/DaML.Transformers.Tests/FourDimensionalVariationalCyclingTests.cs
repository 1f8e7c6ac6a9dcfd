using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var in the one assimilation loop: its windows, and how well it does.</summary>
public sealed class FourDimensionalVariationalCyclingTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(29);

    private static readonly IncrementalOptions Precise = new()
    {
        OuterIterations = 4, ControlTolerance = 1e-10, InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 100, ResidualReduction = 1e-13 }),
    };

    [Fact]
    public void Without_a_window_it_is_3D_Var()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(8);
        var network = new ObservationNetwork(new SubsetObservationOperator(8, 0, 2, 3, 6), ErrorCovariance.Scalar(4, 0.5), new MissingAtRandomPattern(0.2));
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 2, Cycles = 6 }).Materialise();
        var start = new GaussianInitialCondition(full(8, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(8, 1));
        var b = ErrorCovariance.Scalar(8, 0.7);
        using var expected = context.Analysis.ThreeDimensionalVariational(dynamics, network, b, new() { Initial = start, Stream = "same" }).Transformer.Run(twin);
        using var actual = context.Analysis.FourDimensionalVariational(dynamics, network, b, WindowCycling.Instant, new() { Initial = start, Stream = "same", Minimisation = Precise }).Transformer.Run(twin);
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
        var network = context.Observations.Full(dynamics);
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 2, Cycles = 8, Interval = 0.1 }).Materialise();
        var b = ErrorCovariance.Scalar(8, 0.3);
        var method = context.Analysis.FourDimensionalVariational(dynamics, network, b, WindowCycling.Overlapping(4, 2), new() { Observations = observations }).Transformer;
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
        var network = context.Observations.Full(dynamics);
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 2, Cycles = 6 }).Materialise();
        var seen = new List<(double End, long Iterations)>();
        using var run = context.Analysis.FourDimensionalVariational(dynamics, network, ErrorCovariance.Scalar(8, 0.3), WindowCycling.Disjoint(3), new()
        {
            Observer = window => seen.Add((window.End.Values[0, 0].ToDouble(), window.OuterIterations.Sum(outer => outer.Inner.Iterations))),
        }).Transformer.Run(twin);
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
        var method = new IncrementalFourDimensionalVariational(new FourDimensionalVariationalCost(dynamics, [new BackgroundTerm(ErrorCovariance.Scalar(12, 0.5))],
            [new ObservationTerm(new IdentityObservationOperator(12), ErrorCovariance.Scalar(12, 1))]), Precise);
        Tensor Analysis(long shift) => method.Minimise(new(new State(start.roll(shift, -1)), new TimeInterval(0, 0.2), 0.05,
            [.. y.Select((values, k) => new Observation(values.roll(shift, -1), null, 0.05 * (k + 1)))])).Analysis.Values;
        Compare.Close(Analysis(0).roll(5, -1), Analysis(5), 1e-11);
    }

    [Fact]
    public void Lorenz_96_every_step_observed_it_is_clearly_better_than_3D_Var()
    {
        using var scope = NewDisposeScope();
        var (dynamics, network, covariance, start) = Setting(context.Dynamics.Lorenz96());
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 8, Cycles = 240, Initial = start }).Materialise();
        double Rmse(ITransformer method)
        {
            var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = 60 });
            output.WriteLine($"{method.Name}: {report.AnalysisRmse}");
            return report.AnalysisRmse.Mean;
        }
        double FourD(double scale, WindowCycling windows, WindowObservations use = WindowObservations.New) =>
            Rmse(context.Analysis.FourDimensionalVariational(dynamics, network, ErrorCovariance.Full(scale * covariance), windows, new() { Initial = start, Observations = use }).Transformer);
        Assert.InRange(Rmse(context.Analysis.ThreeDimensionalVariational(dynamics, network, ErrorCovariance.Full(0.02 * covariance), new() { Initial = start }).Transformer), 0.38, 0.45);
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
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 4, Cycles = 120, Initial = start }).Materialise();
        double Rmse(string name, params IPriorTerm[] priors)
        {
            var method = context.Analysis.FourDimensionalVariational(dynamics, network, ErrorCovariance.Full(0.01 * covariance), WindowCycling.Disjoint(4),
                new() { Name = name, Initial = start, Priors = priors }).Transformer;
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
        return (dynamics, context.Observations.Full(dynamics), states.T.cov(), new GaussianInitialCondition(full(40, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1)));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ThreeDimensionalVariationalEstimatorTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(29);

    private double Rmse(AssimilationSystem system, TwinExperimentOptions training, TwinExperimentOptions test, long burnIn)
    {
        var estimator = context.Analysis.ThreeDimensionalVariational(system, new() { Background = new ClimatologicalBackground() });
        var method = estimator.Fit(context.Data.Twin(system, training));
        var report = context.Scores.Evaluate(method.Transform(context.Data.Twin(system, test)), new ScoreOptions { BurnIn = burnIn });
        output.WriteLine(
            $"{system}: analysis {report.AnalysisRmse}, forecast {report.ForecastRmse}, observations {report.ObservationRmse}");
        return report.AnalysisRmse.Mean;
    }

    [Fact]
    public void Scores_on_Lorenz_96_and_Lorenz_63_are_the_published_ones()
    {
        double rmse = Rmse(new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)), new() { Batch = 8, Cycles = 1000 },
            new() { Batch = 16, Cycles = 1000, Stream = "test" }, 100);
        Assert.InRange(rmse, 0.37, 0.43);

        rmse = Rmse(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3, 2)) { Interval = 0.25 },
            new() { Batch = 16, Cycles = 400 }, new() { Batch = 16, Cycles = 400, Stream = "test" }, 50);
        Assert.InRange(rmse, 0.9 * 1.04, 1.1 * 1.04);
    }

    [Fact]
    public void Background_is_a_multiple_of_the_climatological_covariance_and_the_fit_is_reproducible()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(12);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Strided(dynamics.Dimension, 2));
        using var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 200 }).Materialise();
        var options = new ClimatologicalBackground { TuningCycles = 120, TuningBurnIn = 20 };
        var estimator = context.Analysis.ThreeDimensionalVariational(system, new() { Background = options });
        Tensor Background() =>
            ((ThreeDimensionalVariationalAnalyzer)estimator.Fit(twin).Triple.Analyzer).Background.ToMatrix(ScalarType.Float64, CPU);
        var background = Background();
        var states = twin[Columns.Truth].reshape(-1, 12);
        var ratio = background / states.T.cov();
        Assert.InRange((ratio / ratio[0, 0] - 1).abs().max().ToDouble(), 0, 1e-9);
        Assert.InRange(ratio[0, 0].ToDouble(), 1e-3, options.LargestScale);
        Assert.True(background.equal(Background()).all().ToBoolean());

        // No other scale does better on the piece it was tuned on, but for the width of the search.
        double Error(double factor) =>
            context.Scores.Evaluate(
                context.Analysis.ThreeDimensionalVariational(system with
                    { Initial = new GaussianInitialCondition(states.mean([0]), ErrorCovariance.Full(states.T.cov())) },
                        new() { Background = new KnownBackground(ErrorCovariance.Full(factor * background)) }).Transform(twin.Take(120)),
                        new ScoreOptions { BurnIn = 20 }).AnalysisRmse.Mean;
        double best = Error(1);
        foreach (double factor in new[] { 0.02, 0.3, 3, 30 })
            Assert.True(Error(factor) > best * 0.999, $"{factor}: {Error(factor)} against {best}");
    }

    // The tuning has run it already, which leaves nothing behind.
    [Fact]
    public void The_fitted_method_is_that_of_its_record_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var system = new AssimilationSystem(new Lorenz96(12), ObservationNetwork.Full(12))
            { Initial = new GaussianInitialCondition(arange(12, dtype: ScalarType.Float64), ErrorCovariance.Scalar(12, 1)) };
        using var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 60 }).Materialise();
        var background = new ClimatologicalBackground { TuningCycles = 30, TuningBurnIn = 10 };
        Compare(new ThreeDimensionalVariational { Background = background });
        Compare(new FourDimensionalVariational { Background = background, Window = WindowCycling.Disjoint(2) });

        void Compare<TMemory>(VariationalMethod<TMemory> method) where TMemory : IMemory<TMemory>
        {
            var fitted = method.For(system, context).Fit(twin);
            var record = Assert.IsAssignableFrom<VariationalMethod<TMemory>>(fitted.Options);
            Assert.IsType<KnownBackground>(record.Background);
            Tensor Analyses(ITransformer transformer) => transformer.Transform(twin).Materialise([Columns.Analysis])[Columns.Analysis];
            Assert.True(Analyses(record.For(system, context)).Equals(Analyses(fitted)));
        }
    }

    [Fact]
    public void Four_dimensional_variational_analysis_learns_its_covariance_alike()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(12);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        using var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 120 }).Materialise();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Name = "mine", Window = WindowCycling.Overlapping(4, 2),
            Minimisation = new IncrementalOptions { OuterIterations = 2, InnerSolver = new LanczosSolver() },
            Background = new ClimatologicalBackground { TuningCycles = 60, TuningBurnIn = 20, SmallestScale = 1e-3, LargestScale = 0.1 },
        }).Fit(twin);
        Assert.Equal("mine", method.Name);
        var analyzer = (FourDimensionalVariationalAnalyzer)method.Triple.Analyzer;
        Assert.IsType<LanczosSolver>(((IncrementalFourDimensionalVariational)analyzer.Method).Options.InnerSolver);
        var ratio = ((BackgroundTerm)analyzer.Method.Cost.Priors[0]).Covariance.ToMatrix(ScalarType.Float64, CPU) / twin[Columns.Truth]
            .reshape(-1, 12).T.cov();
        Assert.InRange((ratio / ratio[0, 0] - 1).abs().max().ToDouble(), 0, 1e-9);
        Assert.InRange(ratio[0, 0].ToDouble(), 1e-3, 0.1);
        double Rmse(ITransformer transformer) =>
            context.Scores.Evaluate(transformer.Transform(context.Data.Twin(system, new() { Batch = 4, Cycles = 120, Stream = "test" })),
            new ScoreOptions { BurnIn = 40 }).AnalysisRmse.Mean;
        double threeDimensional =
            Rmse(context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new ClimatologicalBackground { TuningCycles = 60, TuningBurnIn = 20 } }).Fit(twin)),
                fourDimensional = Rmse(method);
        output.WriteLine(
            $"3D-Var {threeDimensional:f3}, 4D-Var {fourDimensional:f3} with {ratio[0, 0].ToDouble():g3} of the climatological covariance");
        Assert.InRange(fourDimensional / threeDimensional, 0.4, 0.9);
    }

    [Fact]
    public void Says_what_it_needs_reports_its_progress_and_can_be_cancelled()
    {
        var dynamics = new Lorenz96(12);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var estimator = context.Analysis.ThreeDimensionalVariational(system, new() { Background = new ClimatologicalBackground() });
        var twin = context.Data.Twin(system, new() { Cycles = 200 });

        using var withoutTruth = twin.Materialise([Columns.Observation]);
        var missing = Assert.Throws<SchemaException>(() => estimator.Fit(withoutTruth));
        Assert.Contains("'truth' of shape [12]", missing.Message);
        var larger = new Lorenz96(14);
        Assert.Throws<SchemaException>(() =>
            estimator.Fit(
                context.Data.Twin(new AssimilationSystem(larger, ObservationNetwork.Full(larger.Dimension)), new() { Cycles = 200 })));
        Assert.Contains("more than 12 states",
            Assert.Throws<ArgumentException>(() =>
                context.Analysis.ThreeDimensionalVariational(system,
                    new() { Background = new ClimatologicalBackground { TuningBurnIn = 2, TuningCycles = 5 } })
                    .Fit(twin.Take(10))).Message);
        Assert.Contains("burn-in of 100", Assert.Throws<ArgumentException>(() => estimator.Fit(twin.Take(50))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new ClimatologicalBackground { SmallestScale = 3 } }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new ClimatologicalBackground { TuningCycles = 10 } }));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => estimator.Fit(twin, source.Token));

        var reports = new List<ProgressReport>();
        var listening = new DataAssimilationContext(new DataAssimilationOptions { Progress = new Immediate(reports.Add) });
        listening.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new ClimatologicalBackground { TuningCycles = 60, TuningBurnIn = 10 } }).Fit(twin);
        Assert.All(reports, report => Assert.Equal("tuning 3D-Var", report.Activity));
        Assert.Equal(reports[^1].Total, reports[^1].Completed);
        Assert.True(reports[^1].Metrics["rmse"] > 0);
    }

    private sealed class Immediate(Action<ProgressReport> action) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => action(value);
    }
}

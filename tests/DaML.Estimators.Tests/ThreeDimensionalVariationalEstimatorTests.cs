using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ThreeDimensionalVariationalEstimatorTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(29);

    private double Rmse(IDynamics dynamics, IObservationNetwork network, TwinExperimentOptions training, TwinExperimentOptions test, long burnIn)
    {
        var estimator = context.Analysis.ThreeDimensionalVariational(dynamics, network);
        var method = estimator.Fit(context.Data.Twin(dynamics, network, training));
        var report = context.Scores.Evaluate(method.Transform(context.Data.Twin(dynamics, network, test)), new ScoreOptions { BurnIn = burnIn });
        output.WriteLine($"{dynamics.Name}: analysis {report.AnalysisRmse}, forecast {report.ForecastRmse}, observations {report.ObservationRmse}");
        return report.AnalysisRmse.Mean;
    }

    [Fact]
    public void Scores_on_Lorenz_96_and_Lorenz_63_are_the_published_ones()
    {
        var lorenz96 = context.Dynamics.Lorenz96();
        double rmse = Rmse(lorenz96, context.Observations.Full(lorenz96), new() { Batch = 8, Cycles = 1000 }, new() { Batch = 16, Cycles = 1000, Stream = "test" }, 100);
        Assert.InRange(rmse, 0.37, 0.43);

        var lorenz63 = context.Dynamics.Lorenz63();
        rmse = Rmse(lorenz63, context.Observations.Full(lorenz63, 2), new() { Batch = 16, Cycles = 400, Interval = 0.25 }, new() { Batch = 16, Cycles = 400, Interval = 0.25, Stream = "test" }, 50);
        Assert.InRange(rmse, 0.9 * 1.04, 1.1 * 1.04);
    }

    [Fact]
    public void Background_is_a_multiple_of_the_climatological_covariance_and_the_fit_is_reproducible()
    {
        using var scope = NewDisposeScope();
        var dynamics = context.Dynamics.Lorenz96(12);
        var network = context.Observations.Strided(dynamics, 2);
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 4, Cycles = 200 }).Materialise();
        var options = new ThreeDimensionalVariationalEstimatorOptions { TuningCycles = 120, TuningBurnIn = 20 };
        var estimator = context.Analysis.ThreeDimensionalVariational(dynamics, network, options);
        Tensor Background() => ((ThreeDimensionalVariationalAnalyzer)estimator.Fit(twin).Triple.Analyzer).Background.ToMatrix(ScalarType.Float64, CPU);
        var background = Background();
        var states = twin[Columns.Truth].reshape(-1, 12);
        var ratio = background / states.T.cov();
        Assert.InRange((ratio / ratio[0, 0] - 1).abs().max().ToDouble(), 0, 1e-9);
        Assert.InRange(ratio[0, 0].ToDouble(), options.SmallestScale, options.LargestScale);
        Assert.True(background.equal(Background()).all().ToBoolean());

        // No other scale does better on the piece it was tuned on, but for the width of the search.
        double Error(double factor) => context.Scores.Evaluate(context.Analysis.ThreeDimensionalVariational(dynamics, network, ErrorCovariance.Full(factor * background),
            new ThreeDimensionalVariationalOptions { Initial = new GaussianInitialCondition(states.mean([0]), ErrorCovariance.Full(states.T.cov())) })
            .Transformer.Transform(twin.Take(120)), new ScoreOptions { BurnIn = 20 }).AnalysisRmse.Mean;
        double best = Error(1);
        foreach (double factor in new[] { 0.02, 0.3, 3, 30 }) Assert.True(Error(factor) > best * 0.999, $"{factor}: {Error(factor)} against {best}");
    }

    [Fact]
    public void Four_dimensional_variational_analysis_learns_its_covariance_alike()
    {
        using var scope = NewDisposeScope();
        var dynamics = context.Dynamics.Lorenz96(12);
        var network = context.Observations.Full(dynamics);
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 4, Cycles = 120 }).Materialise();
        var options = new FourDimensionalVariationalEstimatorOptions
        {
            TuningCycles = 60, TuningBurnIn = 20, SmallestScale = 1e-3, LargestScale = 0.1, Name = "mine", Method = new() { Minimisation = new IncrementalOptions { OuterIterations = 2, InnerSolver = new LanczosSolver() } },
        };
        var method = context.Analysis.FourDimensionalVariational(dynamics, network, WindowCycling.Overlapping(4, 2), options).Fit(twin);
        Assert.Equal("mine", method.Name);
        var analyzer = (FourDimensionalVariationalAnalyzer)method.Triple.Analyzer;
        Assert.IsType<LanczosSolver>(((IncrementalFourDimensionalVariational)analyzer.Method).Options.InnerSolver);
        var ratio = ((BackgroundTerm)analyzer.Method.Cost.Priors[0]).Covariance.ToMatrix(ScalarType.Float64, CPU) / twin[Columns.Truth].reshape(-1, 12).T.cov();
        Assert.InRange((ratio / ratio[0, 0] - 1).abs().max().ToDouble(), 0, 1e-9);
        Assert.InRange(ratio[0, 0].ToDouble(), 1e-3, 0.1);
        double Rmse(ITransformer transformer) => context.Scores.Evaluate(transformer.Transform(context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 4, Cycles = 120, Stream = "test" })),
            new ScoreOptions { BurnIn = 40 }).AnalysisRmse.Mean;
        double threeDimensional = Rmse(context.Analysis.ThreeDimensionalVariational(dynamics, network, new() { TuningCycles = 60, TuningBurnIn = 20 }).Fit(twin)), fourDimensional = Rmse(method);
        output.WriteLine($"3D-Var {threeDimensional:f3}, 4D-Var {fourDimensional:f3} with {ratio[0, 0].ToDouble():g3} of the climatological covariance");
        Assert.InRange(fourDimensional / threeDimensional, 0.4, 0.9);
    }

    [Fact]
    public void Says_what_it_needs_reports_its_progress_and_can_be_cancelled()
    {
        var dynamics = context.Dynamics.Lorenz96(12);
        var network = context.Observations.Full(dynamics);
        var estimator = context.Analysis.ThreeDimensionalVariational(dynamics, network);
        var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Cycles = 200 });

        using var withoutTruth = twin.Materialise([Columns.Observation]);
        var missing = Assert.Throws<SchemaException>(() => estimator.Fit(withoutTruth));
        Assert.Contains("'truth' of shape [12]", missing.Message);
        var larger = context.Dynamics.Lorenz96(14);
        Assert.Throws<SchemaException>(() => estimator.Fit(context.Data.Twin(larger, context.Observations.Full(larger), new TwinExperimentOptions { Cycles = 200 })));
        Assert.Contains("more than 12 states", Assert.Throws<ArgumentException>(() => context.Analysis
            .ThreeDimensionalVariational(dynamics, network, new ThreeDimensionalVariationalEstimatorOptions { TuningBurnIn = 2, TuningCycles = 5 }).Fit(twin.Take(10))).Message);
        Assert.Contains("burn-in of 100", Assert.Throws<ArgumentException>(() => estimator.Fit(twin.Take(50))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Analysis.ThreeDimensionalVariational(dynamics, network, new ThreeDimensionalVariationalEstimatorOptions { SmallestScale = 3 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Analysis.ThreeDimensionalVariational(dynamics, network, new ThreeDimensionalVariationalEstimatorOptions { TuningCycles = 10 }));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => estimator.Fit(twin, source.Token));

        var reports = new List<ProgressReport>();
        var listening = new DataAssimilationContext(new DataAssimilationOptions { Progress = new Immediate(reports.Add) });
        listening.Analysis.ThreeDimensionalVariational(dynamics, network, new ThreeDimensionalVariationalEstimatorOptions { TuningCycles = 60, TuningBurnIn = 10 }).Fit(twin);
        Assert.All(reports, report => Assert.Equal("tuning 3D-Var", report.Activity));
        Assert.Equal(reports[^1].Total, reports[^1].Completed);
        Assert.True(reports[^1].Metrics["rmse"] > 0);
    }

    private sealed class Immediate(Action<ProgressReport> action) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => action(value);
    }
}

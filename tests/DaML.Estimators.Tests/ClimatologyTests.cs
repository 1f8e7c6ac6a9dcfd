using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ClimatologyTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(37);

    [Theory]
    [InlineData("lorenz-63", 7.6, 1.25)]
    [InlineData("lorenz-96", 3.6, 0.95)]
    public void Scores_are_the_published_ones(string model, double climatology, double interpolation)
    {
        var (dynamics, variance, interval) = model == "lorenz-63" ? ((IDynamics)new Lorenz63(), 2.0, 0.25) : (new Lorenz96(), 1.0, 0.05);
        var network = ObservationNetwork.Full(dynamics.Dimension, variance);
        var system = new AssimilationSystem(dynamics, network) { Interval = interval };
        var options = new TwinExperimentOptions { Batch = 16, Cycles = 600, Stream = "training" };
        using var training = context.Data.Twin(system, options).Materialise();
        using var test = context.Data.Twin(system, options with { Stream = "test" }).Materialise();
        double Rmse(SequentialAssimilation<GaussianMemory> estimator)
        {
            var report = context.Scores.Evaluate(estimator.Fit(training).Transform(test));
            output.WriteLine($"{estimator.Name}: {report.AnalysisRmse}, spread {report.AnalysisSpread}, forecast {report.ForecastRmse}");
            Assert.InRange(report.ForecastRmse.Mean, 0.95 * climatology, 1.05 * climatology);
            // As wrong as it says, which a time average of a root is a little below.
            Assert.InRange(report.AnalysisRmse.Mean / report.AnalysisSpread!.Mean, 0.75, 1.02);
            return report.AnalysisRmse.Mean;
        }
        Assert.InRange(Rmse(context.Analysis.Climatology(system)), 0.95 * climatology, 1.05 * climatology);
        Assert.InRange(Rmse(context.Analysis.OptimalInterpolation(system)), 0.9 * interpolation, 1.1 * interpolation);
    }

    [Fact]
    public void Optimal_interpolation_is_3D_Var_from_the_climatological_mean()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(12);
        var network = ObservationNetwork.Random(dynamics.Dimension, 1, 0.3, 0.8);
        var system = new AssimilationSystem(dynamics, network);
        using var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 60 }).Materialise();
        var method = context.Analysis.OptimalInterpolation(system).Fit(twin);
        var (mean, covariance) = StateClimatology.Measure(twin, 60);
        Assert.InRange((mean - twin[Columns.Truth].reshape(-1, 12).mean([0])).abs().max().ToDouble(), 0, 1e-12);
        Assert.InRange((covariance - twin[Columns.Truth].reshape(-1, 12).T.cov()).abs().max().ToDouble(), 0, 1e-12);
        var variational = new ThreeDimensionalVariationalAnalyzer(network.Operator, network.Error, ErrorCovariance.Full(covariance));
        using var run = method.Run(twin);
        using var random = context.Random("none");
        long cycles = 0;
        while (run.MoveNext())
        {
            using var inner = NewDisposeScope();
            var observation = new Observation(run[Columns.Observation], run[Columns.ObservationMask], run.Time);
            var expected = variational.Analyze(new(mean.expand(4, 12)), observation, random).State;
            Assert.InRange((run[Columns.Analysis] - expected).abs().max().ToDouble(), 0, 1e-12);
            cycles++;
        }
        Assert.Equal(60, cycles);
    }

    [Fact]
    public void Land_points_that_never_vary_have_no_variance_and_stay_where_they_are()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(7);
        using var random = context.Random("sea");
        var truth = random.Normal([50, 2, 4], ScalarType.Float64);
        truth.select(2, 1).fill_(0.1);       // no round number: its mean over many cycles is off by round-off
        truth.select(2, 3).fill_(288.15);
        var network = new ObservationNetwork(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 0.5));
        var data = context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Columns.Truth] = truth, [Columns.Observation] = truth + random.Normal([50, 2, 4], ScalarType.Float64),
        }, [.. Enumerable.Range(1, 50).Select(i => (double)i)]);
        var covariance = StateClimatology.Measure(data, 50).ToDistribution().Covariance;
        Assert.Contains("component 1", covariance.Singularity);
        var system = new AssimilationSystem(LinearDynamics.Persistence(4), network);
        foreach (var method in (ITransformer[])[context.Analysis.OptimalInterpolation(system).Fit(data),
            context.Analysis.Climatology(system).Fit(data)])
        {
            using var cursor = method.Transform(data).OpenCursor();
            while (cursor.MoveNext())
            {
                Assert.InRange((cursor[Columns.Analysis].select(1, 3) - 288.15).abs().max().ToDouble(), 0, 1e-11);
                Assert.Equal(0, cursor[Columns.AnalysisSpread].select(1, 1).max().ToDouble());
            }
        }
    }

    [Fact]
    public void Says_what_it_needs()
    {
        var dynamics = new Lorenz96(12);
        var network = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, network);
        var twin = context.Data.Twin(system, new() { Cycles = 20 });
        var estimator = context.Analysis.OptimalInterpolation(system, new() { Cycles = 12, Name = "mine" });
        Assert.Equal("mine", estimator.Name);
        Assert.Contains("more than 12 states; the data has 12", Assert.Throws<ArgumentException>(() => estimator.Fit(twin)).Message);
        Assert.Contains("'truth'",
            Assert.Throws<SchemaException>(() => { using var none =
            twin.Materialise([Columns.Observation]); estimator.Fit(none); }).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Analysis.Climatology(system, new() { Cycles = 1 }));
        using var scope = NewDisposeScope();
        Assert.Contains("dimension 3", Assert.Throws<ArgumentException>(() =>
            context.Analysis.OptimalInterpolation(system,
                new() { Distribution = new GaussianInitialCondition(zeros(3), ErrorCovariance.Scalar(3, 1)) })).Message);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => context.Analysis.Climatology(system).Fit(twin, source.Token));
    }
}

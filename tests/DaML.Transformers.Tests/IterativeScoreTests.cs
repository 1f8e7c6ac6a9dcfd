using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Time-averaged analysis errors of the iterative methods as DAPPER and the literature publish them, within 10 %: the median over
/// independent trajectories.
/// </summary>
public sealed class IterativeScoreTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(23);

    private void Near(double published, ITransformer method, ITrajectoryView twin, long burnIn)
    {
        var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = burnIn });
        double median = report.AnalysisRmse.PerTrajectory.Order().ElementAt(report.AnalysisRmse.PerTrajectory.Count / 2);
        output.WriteLine($"{method.Name}: median {median:f4}, mean {report.AnalysisRmse}, spread {report.AnalysisSpread}");
        Assert.InRange(median, 0.9 * published, 1.1 * published);
    }

    private static IterativeEnsembleKalmanSmoother Options(long members, double inflation) => new()
    {
        Members = members, Inflation = Inflation.StandardDeviation(inflation), Rotation = EnsembleRotation.MeanPreserving,
    };

    [Fact]
    public void Lorenz_63()
    {
        var dynamics = new Lorenz63();
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(tensor(new[] { 1.509, -1.531, 25.46 }), ErrorCovariance.Scalar(3, 2));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(3, 2)) { Interval = 0.25, Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 16, Cycles = 250 });
        Near(0.31, context.Analysis.IterativeEnsembleKalmanSmoother(system, Options(10, 1.02)), twin, 50);
    }

    [Theory, InlineData(0.05, 400, 40, 1.01, 0.17), InlineData(0.6, 250, 25, 1.2, 0.46)]
    public void Lorenz_96(double interval, long cycles, long members, double inflation, double published)
    {
        var dynamics = new Lorenz96();
        using var scope = NewDisposeScope();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(40))
            { Interval = interval, Initial = PublishedStart.Lorenz96() };
        var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = cycles });
        Near(published, context.Analysis.IterativeEnsembleKalmanSmoother(system, Options(members, inflation)), twin, 80);
    }

    [Fact]
    public void Lorenz_96_with_additive_model_error()
    {
        var dynamics = new Lorenz96 { ModelError = ErrorCovariance.Scalar(40, 0.01) };
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(full(40, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = 400 });
        Near(0.41, context.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(system,
            new() { Members = 20, Inflation = Inflation.StandardDeviation(1.1), Rotation = EnsembleRotation.MeanPreserving }), twin, 80);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Time-averaged analysis errors as DAPPER publishes them for the same settings, within 10 %: the median over independent
/// trajectories, each with a truth, observations and members of its own.
/// </summary>
public sealed class PublishedScoreTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(23);

    private static void Near(double published, double measured) => Assert.InRange(measured, 0.9 * published, 1.1 * published);

    private double Median(ITransformer method, ITrajectoryView twin, long burnIn)
    {
        var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = burnIn });
        double median = report.AnalysisRmse.PerTrajectory.Order().ElementAt(report.AnalysisRmse.PerTrajectory.Count / 2);
        output.WriteLine($"{method.Name}: median {median:f4}, mean {report.AnalysisRmse}, spread {report.AnalysisSpread}");
        // A filter that has its truth is about as wrong as it says.
        Assert.InRange(median / report.AnalysisSpread!.Mean, 0.75, 1.15);
        return median;
    }

    [Fact]
    public void Lorenz_96()
    {
        var dynamics = new Lorenz96();
        using var scope = NewDisposeScope();
        var start = PublishedStart.Lorenz96();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = 1000 }).Materialise();
        double Transform(long members, double inflation, EnsembleRotation rotation) =>
            Median(context.Analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = members, Inflation = Inflation.StandardDeviation(inflation), Rotation = rotation }), twin, 200);
        double FiniteSize(long members, double certainty) =>
            Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(system,
                new() { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty), Rotation = EnsembleRotation.MeanPreserving }),
                twin, 200);

        Near(0.20, Transform(20, 1.04, EnsembleRotation.MeanPreserving));
        Assert.InRange(Transform(21, 1.02, EnsembleRotation.None), 0.17, 0.20);
        Near(0.22, Median(
            context.Analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 40, Inflation = Inflation.StandardDeviation(1.06) }),
            twin, 200));
        Near(0.18, Median(
            context.Analysis.DeterministicEnsembleKalmanFilter(system,
                new() { Members = 40, Inflation = Inflation.StandardDeviation(1.01) }), twin, 200));
        Near(0.20, Median(
            context.Analysis.SerialSquareRootFilter(system, new() { Members = 24, Inflation = Inflation.StandardDeviation(1.04) }), twin,
            200));
        Near(0.24, FiniteSize(20, 1));
        Near(0.19, FiniteSize(40, 1));
        Near(0.19, FiniteSize(20, 2));
        Near(0.18, FiniteSize(40, 2));
    }

    [Fact]
    public void Lorenz_96_extended_Kalman_filter()
    {
        var dynamics = new Lorenz96();
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(full(40, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 400 });
        var filter = context.Analysis.ExtendedKalmanFilter(system, new() { CovarianceGrowthPerTimeUnit = 10 });
        Assert.InRange(Median(filter, twin, 100), 0.20, 0.264);
    }

    [Fact]
    public void Finite_size_filter_finds_a_truth_that_its_first_ensemble_knows_nothing_of()
    {
        var dynamics = new Lorenz96();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = 400 });
        Assert.InRange(Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 20 }), twin, 150), 0.2, 0.28);
    }

    [Fact]
    public void Lorenz_63()
    {
        var dynamics = new Lorenz63();
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(tensor(new[] { 1.509, -1.531, 25.46 }), ErrorCovariance.Scalar(3, 2));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension, 2)) { Interval = 0.25, Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 16, Cycles = 600 }).Materialise();
        Near(0.60, Median(
            context.Analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = 10, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving }), twin,
                60));
        Near(0.60, Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 3 }), twin, 60));
        Near(0.54, Median(
            context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 10, Rotation = EnsembleRotation.MeanPreserving }),
            twin, 60));
    }
}

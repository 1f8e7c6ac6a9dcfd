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
        var dynamics = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(dynamics);
        using var scope = NewDisposeScope();
        var start = PublishedStart.Lorenz96();
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 8, Cycles = 1000, Initial = start }).Materialise();
        double Transform(long members, double inflation, EnsembleRotation rotation) => Median(context.Analysis.EnsembleTransformKalmanFilter(dynamics, network,
            new EnsembleTransformKalmanFilterOptions { Members = members, Inflation = Inflation.StandardDeviation(inflation), Rotation = rotation, Initial = start }).Transformer, twin, 200);
        double FiniteSize(long members, double certainty) => Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, network,
            new FiniteSizeEnsembleKalmanFilterOptions { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty), Rotation = EnsembleRotation.MeanPreserving, Initial = start }).Transformer, twin, 200);

        Near(0.20, Transform(20, 1.04, EnsembleRotation.MeanPreserving));
        Assert.InRange(Transform(21, 1.02, EnsembleRotation.None), 0.17, 0.20);
        Near(0.22, Median(context.Analysis.StochasticEnsembleKalmanFilter(dynamics, network,
            new EnsembleFilterOptions { Members = 40, Inflation = Inflation.StandardDeviation(1.06), Initial = start }).Transformer, twin, 200));
        Near(0.18, Median(context.Analysis.DeterministicEnsembleKalmanFilter(dynamics, network,
            new EnsembleFilterOptions { Members = 40, Inflation = Inflation.StandardDeviation(1.01), Initial = start }).Transformer, twin, 200));
        Near(0.20, Median(context.Analysis.SerialSquareRootFilter(dynamics, network,
            new EnsembleFilterOptions { Members = 24, Inflation = Inflation.StandardDeviation(1.04), Initial = start }).Transformer, twin, 200));
        Near(0.24, FiniteSize(20, 1));
        Near(0.19, FiniteSize(40, 1));
        Near(0.19, FiniteSize(20, 2));
        Near(0.18, FiniteSize(40, 2));
    }

    [Fact]
    public void Lorenz_96_extended_Kalman_filter()
    {
        var dynamics = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(dynamics);
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(full(40, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1));
        var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 4, Cycles = 400, Initial = start });
        var filter = context.Analysis.ExtendedKalmanFilter(dynamics, network, start, new KalmanFilterOptions { CovarianceGrowthPerTimeUnit = 10 });
        Assert.InRange(Median(filter.Transformer, twin, 100), 0.20, 0.264);
    }

    [Fact]
    public void Finite_size_filter_finds_a_truth_that_its_first_ensemble_knows_nothing_of()
    {
        var dynamics = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(dynamics);
        var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 8, Cycles = 400 });
        Assert.InRange(Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, network, 20).Transformer, twin, 150), 0.2, 0.28);
    }

    [Fact]
    public void Lorenz_63()
    {
        var dynamics = context.Dynamics.Lorenz63();
        var network = context.Observations.Full(dynamics, 2);
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(tensor(new[] { 1.509, -1.531, 25.46 }), ErrorCovariance.Scalar(3, 2));
        using var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Batch = 16, Cycles = 600, Interval = 0.25, Initial = start }).Materialise();
        Near(0.60, Median(context.Analysis.EnsembleTransformKalmanFilter(dynamics, network, new EnsembleTransformKalmanFilterOptions
        {
            Members = 10, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving, Initial = start,
        }).Transformer, twin, 60));
        Near(0.60, Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, network, new FiniteSizeEnsembleKalmanFilterOptions { Members = 3, Initial = start }).Transformer, twin, 60));
        Near(0.54, Median(context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, network, new FiniteSizeEnsembleKalmanFilterOptions
        {
            Members = 10, Rotation = EnsembleRotation.MeanPreserving, Initial = start,
        }).Transformer, twin, 60));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>A system that a data assimilation network learns: what generates truths and observations.</summary>
/// <param name="Context">Seed, device, precision, progress.</param>
/// <param name="System">The model with its error, what is observed of it, and where tests and ensembles start; the network's memory always
/// starts at zero. The time
/// between observations is also the time that one application of the propagater stands for.</param>
internal sealed record DanSystem(DataAssimilationContext Context, AssimilationSystem System)
{
    /// <summary>A damped rotation in n dimensions, half as many mixtures of it observed: the Kalman filter is exact.</summary>
    /// <param name="context">Seed, device, precision, progress.</param>
    /// <param name="n">The dimension.</param>
    public static DanSystem LinearGaussian(DataAssimilationContext context, long n)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random($"linear-Gaussian system {n}");
        var rotation = 0.95 * linalg.qr(random.Normal([n, n], ScalarType.Float64)).Q;
        var mixing = random.Normal([n / 2, n], ScalarType.Float64);
        return new(context, new AssimilationSystem(new LinearDynamics(rotation) { ModelError = ErrorCovariance.Scalar(n, 0.1) },
            new ObservationNetwork(new LinearObservationOperator(mixing), ErrorCovariance.Scalar(n / 2, 0.5)))
            { Initial = new GaussianInitialCondition(zeros(n, dtype: ScalarType.Float64), ErrorCovariance.Scalar(n, 1)) });
    }

    /// <summary>
    /// Lorenz-63, all three components observed every 0.1 with R = 2 I, model error of variance 0.01 in every step of 0.01.
    /// </summary>
    /// <param name="context">Seed, device, precision, progress.</param>
    public static DanSystem Lorenz63(DataAssimilationContext context)
    {
        var dynamics = new Lorenz63() { ModelError = ErrorCovariance.Scalar(3, 0.01) };
        return new(context,
            new AssimilationSystem(dynamics, ObservationNetwork.Full(3, errorVariance: 2))
                { Interval = 0.1, Initial = Near(context, dynamics, 2) });
    }

    /// <summary>Number of sites of Lorenz-95.</summary>
    public const int Lorenz95Sites = 40;

    /// <summary>Lorenz-95 as Boudier et al. section 5 have it: 40 sites, step 0.05, R = I, model error of standard deviation 0.1.</summary>
    /// <param name="context">Seed, device, precision, progress.</param>
    public static DanSystem Lorenz95(DataAssimilationContext context)
    {
        var dynamics = new Lorenz96(Lorenz95Sites) { ModelError = ErrorCovariance.Scalar(Lorenz95Sites, 0.01) };
        return new(context,
            new AssimilationSystem(dynamics, ObservationNetwork.Full(Lorenz95Sites)) { Initial = Near(context, dynamics, 1) });
    }

    /// <summary>Trajectories that start on the attractor (default: without end).</summary>
    /// <param name="stream">The name of their random streams.</param>
    /// <param name="batch">Number of trajectories.</param>
    /// <param name="cycles">Number of cycles; null = without end.</param>
    public ITrajectoryView Trajectories(string stream, long batch, long? cycles = null) =>
        Context.Data.Twin(System with { Initial = null }, new() { Stream = stream, Batch = batch, Cycles = cycles });

    /// <summary>A test, which starts where ensembles do.</summary>
    /// <param name="plan">Its length.</param>
    /// <param name="cycles">Cycles that are scored.</param>
    public ITrajectoryView Test(DanLorenz95Plan plan, long cycles) =>
        Context.Data.Twin(System, new() { Stream = "test", Batch = plan.TestTrajectories, Cycles = plan.BurnIn + cycles });

    /// <summary>Prior and posterior error, cross-entropy where there are densities, and each cycle's posterior error.</summary>
    /// <param name="method">The method.</param>
    /// <param name="test">The test.</param>
    /// <param name="burnIn">First cycles that are not scored.</param>
    /// <param name="hasDensity">Whether the method's densities can be evaluated.</param>
    /// <param name="cancellation">Stops it.</param>
    public Dictionary<string, double[]> Score(ITransformer method, ITrajectoryView test, long burnIn, bool hasDensity,
        CancellationToken cancellation)
    {
        var (prior, posterior) = (new CrossEntropy(posteriorWeight: 0), new CrossEntropy(priorWeight: 0));
        var report = Context.Scores.Evaluate(method.Transform(test),
            new() { BurnIn = burnIn, Activity = $"scoring {method.Name}", Scores = hasDensity ? [prior, posterior] : [] }, cancellation);
        var figures = new Dictionary<string, double[]>
        {
            ["prior"] = [report.ForecastRmse.Mean],
            ["posterior"] = [report.AnalysisRmse.Mean, report.AnalysisRmse.StandardError],
            ["cycles"] = [.. report.AnalysisRmse.PerCycle],
        };
        if (!hasDensity) return figures;
        figures.Add("cross-entropy", [report[prior].Mean + report[posterior].Mean]);
        foreach (var (name, score) in new[] { ("prior", prior), ("posterior", posterior) })
        {
            figures.Add($"cross-entropy.{name}", [report[score].Mean]);
            figures.Add($"cross-entropy.{name}.cycles", [.. report[score].PerCycle]);
        }
        return figures;
    }

    private static GaussianInitialCondition Near(DataAssimilationContext context, IDynamics dynamics, double variance)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("first guess");
        return new(dynamics.UsualInitialCondition().Draw(1, random, context.Precision)[0],
            ErrorCovariance.Scalar(dynamics.Dimension, variance));
    }
}

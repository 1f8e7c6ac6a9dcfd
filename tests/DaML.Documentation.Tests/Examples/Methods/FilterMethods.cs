using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of the pages of filters.</summary>
internal static class FilterMethods
{
    /// <summary>The error of the mean of Lorenz-96, its standard deviation.</summary>
    [PageExample("climatology", 3.3, 3.9)]
    public static double Climatology()
    {
        // <climatology>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var filter = context.Analysis.Climatology(system).Fit(training);
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </climatology>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The error of the observations, a little reduced.</summary>
    [PageExample("optimal-interpolation", 0.85, 1.05)]
    public static double OptimalInterpolation()
    {
        // <optimal-interpolation>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var filter = context.Analysis.OptimalInterpolation(system).Fit(training);
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </optimal-interpolation>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>About 0.36: two components of variance 0.164, the fixed point of the Riccati equation.</summary>
    [PageExample("kalman-filter", 0.32, 0.4)]
    public static double KalmanFilter()
    {
        // <kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2, errorVariance: 0.5)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 20, Cycles = 200 });
        var filter = context.Analysis.KalmanFilter(system);
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.24, or less.</summary>
    [PageExample("extended-kalman-filter", 0.17, 0.3)]
    public static double ExtendedKalmanFilter()
    {
        // <extended-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.ExtendedKalmanFilter(system,
            new() { CovarianceGrowthPerTimeUnit = 10 });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </extended-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.22.</summary>
    [PageExample("stochastic-ensemble-kalman-filter", 0.17, 0.3)]
    public static double StochasticEnsembleKalmanFilter()
    {
        // <stochastic-ensemble-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.StochasticEnsembleKalmanFilter(system,
            new() { Members = 40, Inflation = Inflation.StandardDeviation(1.06) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </stochastic-ensemble-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.18.</summary>
    [PageExample("deterministic-ensemble-kalman-filter", 0.14, 0.26)]
    public static double DeterministicEnsembleKalmanFilter()
    {
        // <deterministic-ensemble-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.DeterministicEnsembleKalmanFilter(system,
            new() { Members = 40, Inflation = Inflation.StandardDeviation(1.01) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </deterministic-ensemble-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.20.</summary>
    [PageExample("ensemble-transform-kalman-filter", 0.15, 0.28)]
    public static double EnsembleTransformKalmanFilter()
    {
        // <ensemble-transform-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.EnsembleTransformKalmanFilter(system,
            new() { Members = 20, Inflation = Inflation.StandardDeviation(1.04),
                Rotation = EnsembleRotation.MeanPreserving });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </ensemble-transform-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>About the error of the ETKF.</summary>
    [PageExample("serial-square-root-filter", 0.14, 0.28)]
    public static double SerialSquareRootFilter()
    {
        // <serial-square-root-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.SerialSquareRootFilter(system,
            new() { Members = 40, Inflation = Inflation.StandardDeviation(1.02) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </serial-square-root-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.19.</summary>
    [PageExample("finite-size-ensemble-kalman-filter", 0.15, 0.28)]
    public static double FiniteSizeEnsembleKalmanFilter()
    {
        // <finite-size-ensemble-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.FiniteSizeEnsembleKalmanFilter(system,
            new() { Members = 20, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </finite-size-ensemble-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.22.</summary>
    [PageExample("local-ensemble-transform-kalman-filter", 0.17, 0.32)]
    public static double LocalEnsembleTransformKalmanFilter()
    {
        // <local-ensemble-transform-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var nearby = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4));
        var filter = context.Analysis.LocalEnsembleTransformKalmanFilter(system,
            new() { Members = 7, Localisation = nearby, Inflation = Inflation.StandardDeviation(1.04),
                Rotation = EnsembleRotation.MeanPreserving });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </local-ensemble-transform-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>About the error with a tuned inflation.</summary>
    [PageExample("adaptively-inflated-filter", 0.14, 0.3)]
    public static double AdaptivelyInflatedFilter()
    {
        // <adaptively-inflated-filter>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 200 });
        var filter = context.Analysis.AdaptivelyInflatedFilter(system,
            new() { Filter = new EnsembleTransformKalmanFilter { Members = 24 } });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </adaptively-inflated-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.28; the median of longer runs.</summary>
    [PageExample("particle-filter", 0.15, 0.6)]
    public static double OfParticles()
    {
        // <particle-filter>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3, errorVariance: 2))
            { Interval = 0.25 };
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 120 });
        var filter = context.Analysis.ParticleFilter(system, ParticleFilter.Regularised(members: 800));
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 40 });
        // </particle-filter>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The forcing, 8.</summary>
    [PageExample("joint-estimation", 7.7, 8.3)]
    public static double JointEstimation()
    {
        // <joint-estimation>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(10), ObservationNetwork.Full(10, errorVariance: 0.1));
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 200 });
        var joint = context.Analysis.JointEstimation(system, new()
        {
            Parameters = [new EstimatedParameter("forcing", Mean: 6.5, StandardDeviation: 1)],
            Filter = new EnsembleTransformKalmanFilter
                { Members = 50, Inflation = Inflation.StandardDeviation(1.02) },
        });
        double forcing = 0;
        foreach (var cycle in joint.Transform(twin)) forcing = cycle[Columns.Parameters].mean().ToDouble();
        // </joint-estimation>
        return forcing;
    }
}

using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of the pages of smoothers and iterative methods.</summary>
internal static class SmootherMethods
{
    /// <summary>The error of the smoothed states over that of the analyses.</summary>
    [PageExample("rauch-tung-striebel-smoother", 0.6, 0.97)]
    public static double RauchTungStriebelSmoother()
    {
        // <rauch-tung-striebel-smoother>
        var context = new DataAssimilationContext(seed: 1);
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2, errorVariance: 0.5)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 20, Cycles = 200 });
        var smoother = context.Analysis.RauchTungStriebelSmoother(system);
        var error = new RootMeanSquareError(Columns.Smoothed);
        var scores = context.Scores.Evaluate(smoother.Transform(twin), new() { BurnIn = 20, Scores = [error] });
        // </rauch-tung-striebel-smoother>
        return scores[error].Mean / scores.AnalysisRmse.Mean;
    }

    /// <summary>The error of the smoothed states over that of the analyses.</summary>
    [PageExample("ensemble-kalman-smoother", 0.6, 0.99)]
    public static double EnsembleKalmanSmoother()
    {
        // <ensemble-kalman-smoother>
        var context = new DataAssimilationContext(seed: 1);
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2, errorVariance: 0.5)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 20, Cycles = 200 });
        var smoother = context.Analysis.EnsembleKalmanSmoother(system,
            new() { Filter = new EnsembleTransformKalmanFilter { Members = 20 } });
        var error = new RootMeanSquareError(Columns.Smoothed);
        var scores = context.Scores.Evaluate(smoother.Transform(twin), new() { BurnIn = 20, Scores = [error] });
        // </ensemble-kalman-smoother>
        return scores[error].Mean / scores.AnalysisRmse.Mean;
    }

    /// <summary>The 0.17 of docs/methods/iterative-ensemble-kalman-smoother.md.</summary>
    [PageExample("iterative-ensemble-kalman-smoother", 0.13, 0.25)]
    public static double IterativeEnsembleKalmanSmoother()
    {
        // <iterative-ensemble-kalman-smoother>
        var context = new DataAssimilationContext(seed: 1);
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var filter = context.Analysis.IterativeEnsembleKalmanSmoother(system,
            new() { Members = 25, Window = WindowCycling.Overlapping(4), Rotation = EnsembleRotation.MeanPreserving,
                Inflation = Inflation.StandardDeviation(1.02) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </iterative-ensemble-kalman-smoother>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The published 0.41.</summary>
    [PageExample("additive-error-iterative-ensemble-kalman-filter", 0.34, 0.52)]
    public static double AdditiveErrorIterativeEnsembleKalmanFilter()
    {
        // <additive-error-iterative-ensemble-kalman-filter>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96 { ModelError = ErrorCovariance.Scalar(40, 0.01) };
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 0.01));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(40)) { Initial = first };
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 120 });
        var filter = context.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(system,
            new() { Members = 20, Inflation = Inflation.StandardDeviation(1.1),
                Rotation = EnsembleRotation.MeanPreserving });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 40 });
        // </additive-error-iterative-ensemble-kalman-filter>
        return scores.AnalysisRmse.Mean;
    }
}

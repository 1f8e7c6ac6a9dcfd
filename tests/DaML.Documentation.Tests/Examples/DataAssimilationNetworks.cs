using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Data assimilation networks as docs/data-assimilation-networks.md shows them.</summary>
internal static class DataAssimilationNetworks
{
    /// <summary>
    /// The cross-entropies of network and Kalman filter, and the error of a prediction without observations.
    /// </summary>
    public static (double Network, double Kalman, double Predicted) Run(long steps)
    {
        // <learn>
        var context = new DataAssimilationContext(seed: 1);
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var observing = ObservationNetwork.Full(model.Dimension, errorVariance: 0.5);
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, observing) { Initial = first };
        ITrajectoryView Twin(string stream, long batch) =>
            context.Data.Twin(system, new() { Stream = stream, Batch = batch });

        var triple = context.Analysis.DataAssimilationNetwork(observing, timeStep: 1,
            new() { MemorySize = 32, Layers = 3 }, new() { Steps = steps, Truncation = 8, LearningRate = 3e-3 })
            .Fit(Twin("training", 128), Twin("validation", 128));

        var kalman = context.Analysis.KalmanFilter(system);
        var test = Twin("test", 64).Take(150);
        var crossEntropy = new CrossEntropy();
        double Nats(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(test),
                new() { BurnIn = 30, Scores = [crossEntropy] })[crossEntropy].Mean;
        var (network, optimum) = (Nats(triple), Nats(kalman));
        // </learn>

        // <predict>
        using var run = triple.Run(test);
        for (int cycle = 0; cycle < 40; cycle++) run.MoveNext();
        // the propagater alone, three steps on
        var later = triple.Triple.Procoder.Decode(run.Predict(run.Time + 3));
        // </predict>
        for (int cycle = 0; cycle < 3; cycle++) run.MoveNext();
        return (network, optimum, (later.Mean - run[Columns.Truth]).square().mean().sqrt().ToDouble());
    }
}

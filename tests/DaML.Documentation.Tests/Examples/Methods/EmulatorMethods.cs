using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of the pages of emulators: the error of forecasts of one step.</summary>
internal static class EmulatorMethods
{
    /// <summary>Above the noise of 0.28, which a model of the turn reaches.</summary>
    [PageExample("damped-persistence", 0.35, 0.6)]
    public static double DampedPersistence()
    {
        // <damped-persistence>
        var context = new DataAssimilationContext(seed: 1);
        // Two anomalies that turn, decay and are disturbed: the truth of this view is what the model learns.
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2)) { Initial = first };
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 500 });
        var coming = new Column("coming");
        var emulator = context.Transforms.DampedPersistence(Columns.Truth, coming).Fit(training);
        var error = new RootMeanSquareError(coming);
        var scores = context.Scores.Evaluate(emulator.Transform(test), new() { Scores = [error] });
        // </damped-persistence>
        return scores[error].Mean;
    }

    /// <summary>The noise of a step: 0.28, two components of variance 0.1.</summary>
    [PageExample("ridge-autoregression", 0.27, 0.295)]
    public static double RidgeAutoregression()
    {
        // <ridge-autoregression>
        var context = new DataAssimilationContext(seed: 1);
        // Two anomalies that turn, decay and are disturbed: the truth of this view is what the model learns.
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2)) { Initial = first };
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 500 });
        var coming = new Column("coming");
        var emulator = context.Transforms.RidgeAutoregression(Columns.Truth, coming, new() { Lags = 2 })
            .Fit(training);
        var error = new RootMeanSquareError(coming);
        var scores = context.Scores.Evaluate(emulator.Transform(test), new() { Scores = [error] });
        // </ridge-autoregression>
        return scores[error].Mean;
    }

    /// <summary>The noise of a step: 0.28, two components of variance 0.1.</summary>
    [PageExample("linear-inverse-model", 0.27, 0.295)]
    public static double LinearInverseModel()
    {
        // <linear-inverse-model>
        var context = new DataAssimilationContext(seed: 1);
        // Two anomalies that turn, decay and are disturbed: the truth of this view is what the model learns.
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2)) { Initial = first };
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 500 });
        var coming = new Column("coming");
        var emulator = context.Transforms.LinearInverseModel(Columns.Truth, coming).Fit(training);
        var error = new RootMeanSquareError(coming);
        var scores = context.Scores.Evaluate(emulator.Transform(test), new() { Scores = [error] });
        // </linear-inverse-model>
        return scores[error].Mean;
    }

    /// <summary>The noise of a step: 0.28, two components of variance 0.1.</summary>
    [PageExample("autoregressive-emulator", 0.27, 0.295)]
    public static double AutoregressiveEmulator()
    {
        // <autoregressive-emulator>
        var context = new DataAssimilationContext(seed: 1);
        // Two anomalies that turn, decay and are disturbed: the truth of this view is what the model learns.
        var turn = 0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } });
        var model = new LinearDynamics(turn) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var first = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(2)) { Initial = first };
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 500 });
        var coming = new Column("coming");
        var emulator = context.Transforms.LongShortTermMemory(Columns.Truth, coming,
                new() { Lags = 2, Baseline = new(), Training = new() { Steps = 50, LearningRate = 1e-3, BatchSize = 128 } },
                new() { Hidden = 16 })
            .Fit(training);
        var error = new RootMeanSquareError(coming);
        var scores = context.Scores.Evaluate(emulator.Transform(test), new() { Scores = [error] });
        // </autoregressive-emulator>
        return scores[error].Mean;
    }

    /// <summary>
    /// The innovations of a filter whose model was learned from observations alone, over those of the filter with the
    /// model itself.
    /// </summary>
    [PageExample("learned-dynamics", 0.98, 1.04)]
    public static double LearnedDynamics()
    {
        // <learned-dynamics>
        var context = new DataAssimilationContext(seed: 1);
        var model = new LinearDynamics(0.95 * tensor(new[,] { { 0.9, -0.4 }, { 0.4, 0.9 } }))
            { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var observing = ObservationNetwork.Full(model.Dimension, errorVariance: 0.5);
        var system = new AssimilationSystem(model, observing)
            { Initial = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1)) };
        ITrajectoryView Twin(string stream, long batch) =>
            context.Data.Twin(system, new() { Stream = stream, Batch = batch });
        var learned = context.Analysis.LearnedDynamics("emulator", observing, timeStep: 1, random =>
            {
                var layers = new ReZeroNetwork(2, 2, 3, ScalarType.Float32, random.Device);
                ModuleState.DrawWeights(layers, random);
                return layers;
            },
            emulator => context.Analysis.StochasticEnsembleKalmanFilter(system with { Dynamics = emulator },
                new() { Members = 20 }).Triple,
            modelError: ErrorCovariance.Scalar(2, 0.1),
            training: new() { Steps = 300, Truncation = 6, LearningRate = 3e-2 })
            .Fit(Twin("training", 64), Twin("validation", 64));
        var emulator = (Emulator)((EnsemblePropagater)learned.Triple.Propagater).Dynamics;
        // </learned-dynamics>
        var innovation = new ForecastInnovation(observing.Operator, observing.Error);
        var test = Twin("test", 64).Take(120);
        double Score(IDynamics dynamics) =>
            context.Scores.Evaluate(
                context.Analysis.StochasticEnsembleKalmanFilter(system with { Dynamics = dynamics },
                    new() { Members = 20 }).Transform(test),
                    new() { BurnIn = 30, Scores = [innovation] })[innovation].Mean;
        return Score(emulator) / Score(model);
    }
}

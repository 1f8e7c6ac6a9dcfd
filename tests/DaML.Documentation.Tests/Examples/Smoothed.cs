using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The example of docs/filters.md on smoothers and the likelihood.</summary>
public static class Smoothed
{
    /// <summary>
    /// The errors of filter and smoother, and which error variance of the model is the most likely.
    /// </summary>
    public static (double Filtered, double SmoothedError, double MostLikely) Run(long cycles)
    {
        var context = new DataAssimilationContext(seed: 1);
        var truth = new LinearDynamics(eye(1, dtype: ScalarType.Float64))
            { ModelError = ErrorCovariance.Scalar(1, 0.5) };
        var network = ObservationNetwork.Full(truth.Dimension, errorVariance: 2);
        var prior = new GaussianInitialCondition(zeros(1), ErrorCovariance.Scalar(1, 1));
        var system = new AssimilationSystem(truth, network) { Initial = prior };
        using var data = context.Data.Twin(system, new() { Batch = 20, Cycles = cycles }).Materialise();
        // <example>
        // Which error of the model do the observations tell? A level that wanders, observed with errors of variance
        // 2.
        double LikelihoodOf(double variance)
        {
            var model = new LinearDynamics(eye(1)) { ModelError = ErrorCovariance.Scalar(1, variance) };
            var modelSystem = new AssimilationSystem(model, network) { Initial = prior };
            var likelihood = new LogLikelihood(network);
            var filter = context.Analysis.KalmanFilter(modelSystem);
            return context.Scores.Evaluate(filter.Transform(data), new() { BurnIn = 1, Scores = [likelihood] })
                .Of(likelihood).Sum();
        }
        double best = new[] { 0.1, 0.2, 0.5, 1.0, 2.0 }.MaxBy(LikelihoodOf);

        // What all observations together, before and after, say of every cycle.
        var level = new LinearDynamics(eye(1)) { ModelError = ErrorCovariance.Scalar(1, best) };
        var levelSystem = new AssimilationSystem(level, network) { Initial = prior };
        var smoothed = context.Analysis.RauchTungStriebelSmoother(levelSystem).Transform(data);
        var error = new RootMeanSquareError(Columns.Smoothed);
        var report = context.Scores.Evaluate(smoothed, new() { Scores = [error] });
        // </example>
        return (report.AnalysisRmse.Mean, report[error].Mean, best);
    }
}

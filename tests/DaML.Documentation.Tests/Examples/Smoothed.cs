using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The example of docs/filters.md on smoothers and the likelihood.</summary>
public static class Smoothed
{
    /// <summary>The errors of filter and smoother, and which error variance of the model is the most likely.</summary>
    public static (double Filtered, double SmoothedError, double MostLikely) Run(long cycles)
    {
        var context = new DataAssimilationContext(seed: 1);
        var truth = context.Dynamics.Linear(eye(1, dtype: ScalarType.Float64), modelError: ErrorCovariance.Scalar(1, 0.5));
        var network = context.Observations.Full(truth, errorVariance: 2);
        var prior = new GaussianInitialCondition(zeros(1), ErrorCovariance.Scalar(1, 1));
        using var data = context.Data.Twin(truth, network, new() { Batch = 20, Cycles = cycles, Initial = prior }).Materialise();
        // <example>
        // Which error of the model do the observations tell? A level that wanders, observed with errors of variance 2.
        double LikelihoodOf(double variance)
        {
            var model = context.Dynamics.Linear(eye(1), modelError: ErrorCovariance.Scalar(1, variance));
            var likelihood = new LogLikelihood(network);
            var filter = context.Analysis.KalmanFilter(model, network, prior).Transformer;
            return context.Scores.Evaluate(filter.Transform(data), new() { BurnIn = 1, Scores = [likelihood] }).Of(likelihood).Sum();
        }
        double best = new[] { 0.1, 0.2, 0.5, 1.0, 2.0 }.MaxBy(LikelihoodOf);

        // What all observations together, before and after, say of every cycle.
        var level = context.Dynamics.Linear(eye(1), modelError: ErrorCovariance.Scalar(1, best));
        var smoothed = context.Analysis.RauchTungStriebelSmoother(level, network, prior).Transformer.Transform(data);
        var error = new RootMeanSquareError(Columns.Smoothed);
        var report = context.Scores.Evaluate(smoothed, new() { Scores = [error] });
        // </example>
        return (report.AnalysisRmse.Mean, report[error].Mean, best);
    }
}

namespace DaML.Tests;

/// <summary>The learned analysis as docs/learned-analysis.md shows it.</summary>
internal static class LearnedAnalysis
{
    /// <summary>Its analysis error, cycles 60 to 160 of a test of its own.</summary>
    public static double Run(long steps)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(model, errorVariance: 1);
        var training = context.Data.Twin(model, network, new() { Stream = "training", Batch = 32 });

        var learned = context.Analysis.ResidualConvolution(model, network, training: new() { Steps = steps }).Fit(training);
        // </example>

        var test = context.Data.Twin(model, network, new() { Stream = "test", Batch = 8, Cycles = 160 });
        return context.Scores.Evaluate(learned.Transform(test), new() { BurnIn = 60 }).AnalysisRmse.Mean;
    }
}

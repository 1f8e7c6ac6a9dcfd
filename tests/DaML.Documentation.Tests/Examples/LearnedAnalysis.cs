namespace DaML.Tests;

/// <summary>The learned analysis as docs/learned-analysis.md shows it.</summary>
internal static class LearnedAnalysis
{
    /// <summary>Its analysis errors, cycles 60 to 160 of a test of its own: as trained, and of weights that were written and read.</summary>
    public static (double Trained, double Read) Run(long steps, string path)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(model, errorVariance: 1);
        var training = context.Data.Twin(model, network, new() { Stream = "training", Batch = 32 });

        var learned = context.Analysis.ResidualConvolution(model, network, training: new() { Steps = steps }).Fit(training);
        // </example>

        // <weights>
        var analyzer = (LearnedAnalyzer)learned.Triple.Analyzer;
        WeightFiles.Write(path, analyzer.Network, analyzer.History!);
        var again = context.Analysis.ResidualConvolution(model, network).Pretrained(path);
        // </weights>

        var test = context.Data.Twin(model, network, new() { Stream = "test", Batch = 8, Cycles = 160 });
        double Rmse(ITransformer method) => context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 60 }).AnalysisRmse.Mean;
        return (Rmse(learned), Rmse(again));
    }
}

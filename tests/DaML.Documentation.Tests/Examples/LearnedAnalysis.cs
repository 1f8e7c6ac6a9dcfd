using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The learned analysis as docs/learned-analysis.md shows it.</summary>
internal static class LearnedAnalysis
{
    /// <summary>
    /// Its analysis errors, cycles 60 to 160 of a test of its own: as trained, and of weights that were written and
    /// read.
    /// </summary>
    public static (double Trained, double Read) Run(long steps, string path)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, errorVariance: 1));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 32 });

        var learned = context.Analysis.ResidualConvolution(system, new() { Training = new() { Steps = steps } })
            .Fit(training);
        // </example>

        // <weights>
        var analyzer = (LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer;
        WeightFiles.Write(path, analyzer.Network, analyzer.History!);
        var again = context.Analysis.ResidualConvolution(system).Pretrained(path);
        // </weights>

        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 8, Cycles = 160 });
        double Rmse(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 60 }).AnalysisRmse.Mean;
        return (Rmse(learned), Rmse(again));
    }

    /// <summary>
    /// The columns of data whose observations vary, and the fraction that is observed with half of them at least.
    /// </summary>
    public static (string Columns, double Fraction) Varying()
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        // <varying>
        var everyOther = ObservationNetwork.Strided(model.Dimension, stride: 2);
        var anyDensity = ObservationNetwork.Random(model.Dimension, minimumDensity: 0, maximumDensity: 1);
        var system = new AssimilationSystem(model,
            ObservationNetwork.RandomCount(model.Dimension, minimum: 20, maximum: 40));
        var anyNoise = context.Data.Twin(system, new() { Batch = 32, ErrorScale = new(0.1, 3.2) });
        // </varying>
        using var scope = NewDisposeScope();
        using var cursor = anyNoise.OpenCursor();
        cursor.MoveNext();
        return (anyNoise.Schema.ToString(), cursor[Columns.ObservationMask].to(ScalarType.Float64).mean().ToDouble());
    }
}

using TorchSharp;

namespace DaML.Tests;

/// <summary>The examples of the pages of learned analyses: some steps of training, and the error on a test.</summary>
internal static class LearnedMethods
{
    /// <summary>Far below the observations' error of one after sixty steps.</summary>
    [PageExample("residual-convolution", 0.2, 0.8)]
    public static double ResidualConvolution()
    {
        // <residual-convolution>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 16 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 100 });
        // Sixty steps take a second and reach an error of about 0.5; the default of 4000 takes minutes.
        var learned = context.Analysis.ResidualConvolution(system, new() { Training = new() { Steps = 60 } })
            .Fit(training);
        var scores = context.Scores.Evaluate(learned.Transform(test), new() { BurnIn = 60 });
        // </residual-convolution>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The same with hidden channels.</summary>
    [PageExample("residual-convolution-with-memory", 0.2, 0.8)]
    public static double ResidualConvolutionWithMemory()
    {
        // <residual-convolution-with-memory>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 8 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 100 });
        var learned = context.Analysis.ResidualConvolutionWithMemory(system,
            new() { Memory = new() { Count = 6 }, Training = new() { Steps = 40 } }).Fit(training);
        var scores = context.Scores.Evaluate(learned.Transform(test), new() { BurnIn = 60 });
        // </residual-convolution-with-memory>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The same with a learned covariance.</summary>
    [PageExample("innovation-linear", 0.2, 0.8)]
    public static double InnovationLinear()
    {
        // <innovation-linear>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 16 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 100 });
        var learned = context.Analysis.InnovationLinear(system, new() { Training = new() { Steps = 50 } })
            .Fit(training);
        var network = (InnovationLinearNetwork)((LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer).Network;
        using var run = learned.Run(test);
        while (run.Cycle < 99) run.MoveNext();
        // Variances of the analysis error that the network sees in this forecast, [batch, n].
        var variances = network.Covariance(run[Columns.Forecast]).Diagonal;
        var scores = context.Scores.Evaluate(learned.Transform(test), new() { BurnIn = 60 });
        // </innovation-linear>
        Assert.InRange(variances.mean().sqrt().ToDouble() / scores.AnalysisRmse.Mean, 0.4, 2.5);
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>The same with an ensemble as channels.</summary>
    [PageExample("ensemble-convolution", 0.2, 0.9)]
    public static double EnsembleConvolution()
    {
        // <ensemble-convolution>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 8 });
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 100 });
        var learned = context.Analysis.EnsembleConvolution(system,
            new() { Members = 4, Training = new() { Steps = 40 } }).Fit(training);
        var scores = context.Scores.Evaluate(learned.Transform(test), new() { BurnIn = 60 });
        // </ensemble-convolution>
        return scores.AnalysisRmse.Mean;
    }
}

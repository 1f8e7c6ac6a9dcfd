namespace DaML.Tests;

/// <summary>Memory and uncertainty of learned analyses as docs/learned-analysis.md and the page of the method show them.</summary>
internal static class LearnedMemory
{
    /// <summary>
    /// The analysis error with a memory, learned anew and from an analysis without, and the spread-skill ratio of the
    /// uncertainty of an analysis without.
    /// </summary>
    public static (double Rmse, double Begun, double SpreadSkill) Run(long steps)
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, errorVariance: 1));
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 8 });
        var learned = context.Analysis.ResidualConvolution(system, new() { Training = new() { Steps = steps } })
            .Fit(training);

        var remembering = context.Analysis.ResidualConvolutionWithMemory(system,
            new() { Memory = new()
                { Count = 6, Update = ChannelUpdate.Gated, Transport = ChannelTransport.Unchanged },
                    Training = new() { Steps = steps } }).Fit(training);

        // <begun>
        var begun = context.Analysis.ResidualConvolutionWithMemory(system,
            new() { First = learned,
                Training = new() { Steps = steps, LearningRate = 1e-3, KeepsNormalisation = true } }).Fit(training);
        // </begun>

        // <uncertainty>
        var uncertain = context.Analysis.WithUncertainty(learned, model).Fit(training);
        // </uncertainty>

        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 4, Cycles = 100 });
        var ratio = new SpreadSkillRatio(ScoredState.Analysis);
        return (context.Scores.Evaluate(remembering.Transform(test), new() { BurnIn = 60 }).AnalysisRmse.Mean,
            context.Scores.Evaluate(begun.Transform(test), new() { BurnIn = 60 }).AnalysisRmse.Mean,
            context.Scores.Evaluate(uncertain.Transform(test.Take(70)), new() { BurnIn = 60, Scores = [ratio] })
                .Of(ratio).Mean);
    }
}

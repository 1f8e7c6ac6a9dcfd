using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of the pages of variational methods.</summary>
internal static class VariationalMethods
{
    /// <summary>The published 0.41.</summary>
    [PageExample("three-dimensional-variational", 0.35, 0.5)]
    public static double ThreeDimensionalVariational()
    {
        // <three-dimensional-variational>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 4, Cycles = 500 });
        var filter = context.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new ClimatologicalBackground() }).Fit(training);
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 100 });
        // </three-dimensional-variational>
        return scores.AnalysisRmse.Mean;
    }

    /// <summary>Between the filters and 3D-Var.</summary>
    [PageExample("four-dimensional-variational", 0.2, 0.45)]
    public static double FourDimensionalVariational()
    {
        // <four-dimensional-variational>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 200 });
        var background = new KnownBackground(ErrorCovariance.Scalar(40, 0.05));
        var filter = context.Analysis.FourDimensionalVariational(system,
            new() { Background = background, Window = WindowCycling.Overlapping(length: 8, shift: 4) });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new() { BurnIn = 60 });
        // </four-dimensional-variational>
        return scores.AnalysisRmse.Mean;
    }
}

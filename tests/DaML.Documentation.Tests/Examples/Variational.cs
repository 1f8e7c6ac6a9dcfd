using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var as docs/variational.md shows it.</summary>
internal static class Variational
{
    /// <summary>Scores of 4D-Var on Lorenz-96, and what it says of each window.</summary>
    public static (double Rmse, List<string[]> Windows) Run(long cycles)
    {
        var table = new List<string[]>();
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        var data = context.Data.Twin(system, new() { Batch = 4, Cycles = cycles });

        var background = ErrorCovariance.Scalar(40, 0.05);
        var method = context.Analysis.FourDimensionalVariational(system,
            new() { Background = new KnownBackground(background),
                Window = WindowCycling.Overlapping(length: 8, shift: 4),
                Minimisation = new IncrementalOptions
                    { OuterIterations = 3, InnerSolver = new LanczosSolver(),
                        Preconditioning = new RitzPreconditioning() }, Terms = [new SlowEnergy(allowedChange: 0.5)],
                            Observer = window => table.Add([.. window.OuterIterations.Select(outer =>
                $"J {outer.Cost.Total[0].ToDouble():f1}, Jo {outer.Cost["Jo"][0].ToDouble():f1}; preconditioner " +
                    $"{outer.Preconditioner}: " +
                $"{outer.Inner.Trajectories[0].Iterations} iterations, condition " +
                    $"{outer.Inner.Trajectories[0].ConditionEstimate:f1}")]) });
        var score = context.Scores.Evaluate(method.Transform(data), new() { BurnIn = cycles / 2 });
        // </example>

        return (score.AnalysisRmse.Mean, table);
    }
}

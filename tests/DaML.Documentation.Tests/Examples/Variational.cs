using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var as docs/variational.md shows it.</summary>
internal static class Variational
{
    /// <summary>Scores of 4D-Var on Lorenz-96, and what it says of one window.</summary>
    public static (double Rmse, FourDimensionalVariationalResult Window) Run(long cycles)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(model);
        var data = context.Data.Twin(model, network, new() { Batch = 4, Cycles = cycles });

        var background = ErrorCovariance.Scalar(40, 0.05);
        var method = context.Analysis.FourDimensionalVariational(model, network, background, WindowCycling.Overlapping(length: 8, shift: 4), new()
        {
            Minimisation = new() { OuterIterations = 3, InnerSolver = new LanczosSolver(), Preconditioning = new RitzPreconditioning() },
            Terms = [new SlowEnergy(allowedChange: 0.5)],
        }).Transformer;
        var score = context.Scores.Evaluate(method.Transform(data), new() { BurnIn = cycles / 2 });
        // </example>

        // <window>
        using var run = method.Run(data);
        for (int cycle = 0; cycle < 4; cycle++) run.MoveNext();
        var analyzer = (FourDimensionalVariationalAnalyzer)method.Triple.Analyzer;
        var observation = new Observation(run[Columns.Observation], null, run.Time);
        var result = analyzer.Method.Minimise(analyzer.Window(run.Forecast.Remember(observation)));
        foreach (var outer in result.OuterIterations)
            Console.WriteLine($"J {outer.Cost.Total[0].ToDouble():f2}, Jo {outer.Cost["Jo"][0].ToDouble():f2}; {outer.Preconditioner}: " +
                $"{outer.Inner.Trajectories[0].Iterations} iterations, condition {outer.Inner.Trajectories[0].ConditionEstimate:f1}");
        // </window>
        return (score.AnalysisRmse.Mean, result);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The smoother as docs/iterative-ensemble.md shows it.</summary>
internal static class IterativeEnsemble
{
    /// <summary>Times and spreads of the present and of the window's beginning, cycle by cycle.</summary>
    public static List<(double Now, double Spread, double Start, double Smoothed)> Run(long cycles)
    {
        var table = new List<(double Now, double Spread, double Start, double Smoothed)>();
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        var data = context.Data.Twin(system, new() { Batch = 4, Cycles = cycles });

        using var run = context.Analysis.IterativeEnsembleKalmanSmoother(system,
            new() { Members = 40, Window = WindowCycling.Overlapping(10), Rotation = EnsembleRotation.MeanPreserving,
                Inflation = Inflation.StandardDeviation(1.02) }).Run(data);
        while (run.MoveNext())
        {
            using var scope = NewDisposeScope();
            var smoothed = new EnsembleProcoder().Decode(run.Analysis.Start);
            table.Add((run.Time, run[Columns.AnalysisSpread].mean().ToDouble(), run.Analysis.StartTime,
                smoothed.StandardDeviation.mean().ToDouble()));
        }
        // </example>
        return table;
    }
}

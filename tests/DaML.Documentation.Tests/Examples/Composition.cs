using DaML;
using TorchSharp;

/// <summary>
/// The examples put together: an own model, seen by an own operator, assimilated by an own analyzer.
/// </summary>
public static class Composition
{
    public static double Run(long cycles)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Roessler();
        var network = ObservationNetwork.Full(model.Dimension, errorVariance: 0.5);
        var system = new AssimilationSystem(model, network);
        var start = new AttractorInitialCondition(model, spinUpTime: 50);

        var nudging = new SequentialAssimilation<StateMemory>("nudging", new AssimilationTriple<StateMemory>(
            new NudgingAnalyzer(network, gain: 0.2), new StatePropagater(model), new StateProcoder(),
            new StateSource(start, context.Precision)), network, context);

        var data = context.Data.Twin(system, new() { Batch = 8, Cycles = cycles });
        var score = context.Scores.Evaluate(nudging.Transform(data), new() { BurnIn = cycles / 2 });
        return score.AnalysisRmse.Mean;
        // </example>
    }
}

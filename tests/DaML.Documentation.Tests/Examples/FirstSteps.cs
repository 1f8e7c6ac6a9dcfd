namespace DaML.Tests;

/// <summary>The first example of the README.</summary>
internal static class FirstSteps
{
    /// <summary>The scores of an ensemble filter on Lorenz-63.</summary>
    public static ScoreReport Run()
    {
        // <example>
        var daml = new DataAssimilationContext(seed: 3000);
        var system = new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(dimension: 3, errorVariance: 2))
            { Interval = 0.25 };
        var twin = daml.Data.Twin(system, new() { Batch = 8, Cycles = 1000 });
        var etkf = daml.Analysis.EnsembleTransformKalmanFilter(system, new()
            { Members = 10, Inflation = Inflation.StandardDeviation(1.02),
                Rotation = EnsembleRotation.MeanPreserving });
        var scores = daml.Scores.Evaluate(etkf.Transform(twin), new() { BurnIn = 64 });
        // </example>
        return scores;
    }
}

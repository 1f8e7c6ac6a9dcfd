namespace DaML.Tests;

/// <summary>The example of docs/localisation.md.</summary>
public static class Localised
{
    /// <summary>Runs it.</summary>
    public static double Run(long cycles)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        var localisation = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4));
        var filter = context.Analysis.LocalEnsembleTransformKalmanFilter(system,
            new() { Members = 7, Localisation = localisation, Inflation = Inflation.StandardDeviation(1.04),
                Rotation = EnsembleRotation.MeanPreserving });
        // </example>
        var twin = context.Data.Twin(system, new() { Cycles = cycles });
        return context.Scores.Evaluate(filter.Transform(twin),
            new ScoreOptions { BurnIn = cycles / 2 }).AnalysisRmse.Mean;
    }
}

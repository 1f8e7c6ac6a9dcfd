namespace DaML.Tests;

/// <summary>The example of docs/localisation.md.</summary>
public static class Localised
{
    /// <summary>Runs it.</summary>
    public static double Run(long cycles)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = context.Dynamics.Lorenz96();
        var network = context.Observations.Full(model);
        var localisation = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4));
        var filter = context.Analysis.LocalEnsembleTransformKalmanFilter(model, network, members: 7, localisation,
            Inflation.StandardDeviation(1.04), EnsembleRotation.MeanPreserving);
        // </example>
        var twin = context.Data.Twin(model, network, new TwinExperimentOptions { Cycles = cycles });
        return context.Scores.Evaluate(filter.Transformer.Transform(twin), new ScoreOptions { BurnIn = cycles / 2 }).AnalysisRmse.Mean;
    }
}

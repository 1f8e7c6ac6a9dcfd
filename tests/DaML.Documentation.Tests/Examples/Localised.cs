using DaML.Components;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of docs/localisation.md.</summary>
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

    /// <summary>Analyses an ensemble in files.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <returns>The mean square distances of forecast and analysis from the observations.</returns>
    public static (double Before, double After) Blockwise(string folder)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(1, "files", CPU);
        string forecast = Path.Combine(folder, "forecast.npy"), analysis = Path.Combine(folder, "analysis.npy");
        NumpyArray.Write(forecast, random.Normal([20, 1000], ScalarType.Float64));
        var values = random.Normal([500], ScalarType.Float64);
        // <blockwise>
        var context = new DataAssimilationContext(seed: 1);
        var filter = new LocalEnsembleTransformKalmanFilter
        {
            Members = 20,
            Localisation = new(LocalisationGeometry.Circle(1000), LocalisationRadius.EFolding(4)),
            Inflation = Inflation.StandardDeviation(1.04),
        };
        var blockwise = context.Analysis.Blockwise(ObservationNetwork.Strided(1000, stride: 2), filter,
            pointsPerBlock: 100);
        blockwise.Run([forecast], new Observation(values, null, Time: 12), [analysis]);
        var mean = NumpyArray.Read(analysis).mean([0]);
        // </blockwise>
        double Distance(Tensor state) => (state[TensorIndex.Slice(0, null, 2)] - values).square().mean().ToDouble();
        return (Distance(NumpyArray.Read(forecast).mean([0])), Distance(mean));
    }
}

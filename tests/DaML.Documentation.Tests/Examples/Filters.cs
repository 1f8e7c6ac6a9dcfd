using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Filters as docs/filters.md shows them.</summary>
internal static class Filters
{
    /// <summary>The analysis errors of four filters of a Lorenz-96 whose every step errs.</summary>
    public static IReadOnlyDictionary<string, double> Run(long cycles)
    {
        // <example>
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96 { ModelError = ErrorCovariance.Scalar(40, 0.01) };
        var first = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(40)) { Initial = first };
        var data = context.Data.Twin(system, new() { Batch = 4, Cycles = cycles });

        var etkf = new EnsembleTransformKalmanFilter
        {
            Members = 24, Rotation = EnsembleRotation.MeanPreserving, ModelError = NoiseTreatment.SquareRootDependent,
            Inflation = Inflation.RelaxationToPriorSpread(0.3).And(Inflation.StandardDeviation(1.05)),
        };
        ITransformer[] methods =
        [
            context.Analysis.EnsembleTransformKalmanFilter(system, etkf),
            context.Analysis.AdaptivelyInflatedFilter(system,
                new() { Filter = etkf with { Inflation = Inflation.None } }),
            context.Analysis.SerialSquareRootFilter(system,
                new() { Members = 24, Inflation = etkf.Inflation, ModelError = etkf.ModelError }),
            context.Analysis.OptimalInterpolation(system).Fit(data),
        ];
        var scores = methods.ToDictionary(method => method.Name,
            method => context.Scores.Evaluate(method.Transform(data),
                new() { BurnIn = cycles / 3 }).AnalysisRmse.Mean);
        // </example>
        return scores;
    }

    /// <summary>The inflation that serves Lorenz-96 best, and the figure of the search.</summary>
    public static (double Inflation, string Figure, ITransformer Method) Tune(long cycles)
    {
        // <tuning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var training = context.Data.Twin(system, new() { Batch = 4, Cycles = cycles });
        var etkf = new EnsembleTransformKalmanFilter { Members = 40 };
        var result = context.Analysis.Tune(system, "inflation", TuningSearch.Grid(1, 1.3, 7),
            value => etkf with { Inflation = Inflation.StandardDeviation(value) }, new() { BurnIn = cycles / 3 }).Tune(training);
        // </tuning>

        // <figure>
        double best = result.Values[0];
        foreach (var point in result.Curve.Points)
            Console.WriteLine(
                $"{point.Values[0]:f2}: {point.Score:f3}, {point.Divergences} of {point.PerTrajectory.Count} diverged");
        string figure = result.Curve.ToFigure("ETKF with 40 members on Lorenz-96").ToSvg();
        // </figure>
        return (best, figure, result.Method);
    }
}

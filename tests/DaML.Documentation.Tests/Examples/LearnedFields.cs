using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Networks over rows and columns, as docs/learned-analysis.md shows them.</summary>
internal static class LearnedFields
{
    /// <summary>
    /// The analysis errors of the two learned methods, and of the second after it was saved and read.
    /// </summary>
    public static (double Convolution, double Own, double Read) Run(long steps, string path)
    {
        // <fields>
        // A field of 6 rows by 8 columns, closed along its rows, that is carried round and stirred.
        var context =
            new DataAssimilationContext(new DataAssimilationOptions
                { Seed = 1, Components = [ComponentType.Of<OwnLayers>()] });
        var turn = kron(eye(6), eye(8).roll(1, 0));
        var model = new LinearDynamics(0.95 * turn) { ModelError = ErrorCovariance.Scalar(48, 0.1) };
        var first = new GaussianInitialCondition(zeros(48), ErrorCovariance.Scalar(48, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = first };
        var grid = StateGrid.Plane(rows: 6, columns: 8, columnEnds: AxisEnds.Periodic);
        var data = context.Data.Twin(system, new() { Stream = "training", Batch = 16 });
        var training = new TrainingOptions { Steps = steps, Truncation = 4 };

        var family = context.Analysis.ResidualConvolution(system,
            new() { Network = new() { Filters = 6, Blocks = 1, Grid = grid }, Training = training }).Fit(data);
        var own = context.Analysis.LearnedField("own layers", system, grid, random => new OwnLayers(random), training)
            .Fit(data);
        context.Model.Save(own, path);
        // </fields>

        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 8, Cycles = 120 });
        double Rmse(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 40 }).AnalysisRmse.Mean;
        return (Rmse(family), Rmse(own), Rmse(context.Model.Load<ITransformer>(path)));
    }
}

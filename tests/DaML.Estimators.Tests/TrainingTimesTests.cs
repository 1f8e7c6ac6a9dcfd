using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Training views whose times have few digits.</summary>
public sealed class TrainingTimesTests
{
    [Fact]
    public void A_training_on_times_of_six_decimals_learns_what_it_learns_on_exact_ones()
    {
        float[] Weights(Func<double, double> rounded, double tolerance = TimeInterval.DefaultTolerance)
        {
            using var scope = NewDisposeScope();
            var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 5, TimeTolerance = tolerance });
            var model = new Lorenz96(8, timeStep: 1 / 24.0);
            var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
            using var twin = context.Data.Twin(system, new() { Batch = 4, Cycles = 30 }).Materialise();
            var view = context.Data.FromMemory(
                twin.Schema.Definitions.ToDictionary(definition => definition.Column, definition => twin[definition.Column]),
                [.. twin.Times.Select(rounded)]);
            var learned = context.Analysis.ResidualConvolution(system,
                new() { Training = new()
                    { Steps = 4, Truncation = 3, ValidationInterval = 4, ValidationBurnIn = 2, ValidationCycles = 6 } })
                .Fit(view, view);
            using var analyses = learned.Transform(view.Take(3)).Materialise([Columns.Analysis]);
            return analyses[Columns.Analysis].to(ScalarType.Float32).ToArray<float>();
        }
        float[] exact = Weights(time => time);
        Assert.Equal(exact, Weights(time => Math.Round(time, 6)));
        Assert.Equal(exact, Weights(time => (float)time));
        Assert.Equal(exact, Weights(time => Math.Round(time, 2), tolerance: 0.2));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of docs/extending.md do what the text says of them.</summary>
public class ExtendingTests
{
    [Fact]
    public void The_own_model_passes_the_conformance_test() => Assert.NotEmpty(DynamicsConformance.Check(new Roessler()));

    [Fact]
    public void The_own_model_with_its_derivative_is_the_same_model()
    {
        Assert.NotEmpty(DynamicsConformance.Check(new FastRoessler()));
        using var scope = NewDisposeScope();
        using var random = new RandomStream(1, "states", CPU);
        Tensor x = random.Normal([4, 3], ScalarType.Float64), v = random.Normal([4, 3], ScalarType.Float64);
        var interval = new TimeInterval(0, 0.5);
        Assert.True((new Roessler().TangentLinear(x, v, interval) - new FastRoessler().TangentLinear(x, v, interval)).abs().max()
            .ToDouble() < 1e-13);
        Assert.True((new Roessler().Adjoint(x, v, interval) - new FastRoessler().Adjoint(x, v, interval)).abs().max().ToDouble() < 1e-13);
    }

    [Fact]
    public void The_own_operator_passes_the_conformance_test() =>
    Assert.NotEmpty(ObservationOperatorConformance.Check(new RadianceOperator(9)));

    [Fact]
    public void The_own_analyzer_beats_the_observations()
    {
        double observationError = Math.Sqrt(0.5);
        Assert.InRange(Composition.Run(400), 0.01, 0.9 * observationError);
    }

    // The analyzer put together by hand and the method of the catalog give the same bits.
    [Fact]
    public void The_own_method_of_the_catalog_is_the_same_method()
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Roessler();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, errorVariance: 0.5));
        var data = context.Data.Twin(system, new() { Batch = 8, Cycles = 400 });
        var started = system with { Initial = new AttractorInitialCondition(model, spinUpTime: 50) };
        double Error(Nudging? method) => context.Scores.Evaluate(context.Analysis.Nudging(started, method).Transform(data),
            new() { BurnIn = 200 }).AnalysisRmse.Mean;
        Assert.Equal(Composition.Run(400), Error(null));
        Assert.NotEqual(Error(null), Error(new() { Gain = 0.3 }));
    }

    [Fact]
    public void The_saved_model_comes_back()
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            var read = SavedModel.Run(path);
            Assert.Equal([1.0, 2.0, 4.0], read.Climatology.data<double>().ToArray());
            Assert.Equal((5, 0.1, 0.1), (read.Tau, read.TimeStep, Assert.IsType<ScalarErrorCovariance>(read.ModelError).Variance));
        }
        finally { File.Delete(path); }
    }

    [Fact]
    public void The_own_components_are_resolved_beside_the_built_in_ones()
    {
        var (own, built) = Registration.Resolve();
        Assert.IsType<Roessler>(own);
        Assert.IsType<Lorenz96>(built);
    }
}

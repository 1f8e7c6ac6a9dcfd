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

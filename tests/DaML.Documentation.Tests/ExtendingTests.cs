namespace DaML.Tests;

/// <summary>The examples of docs/extending.md do what the text says of them.</summary>
public class ExtendingTests
{
    [Fact]
    public void The_own_model_passes_the_conformance_test() => Assert.NotEmpty(DynamicsConformance.Check(new Roessler()));

    [Fact]
    public void The_own_operator_passes_the_conformance_test() => Assert.NotEmpty(ObservationOperatorConformance.Check(new RadianceOperator(9)));

    [Fact]
    public void The_own_analyzer_beats_the_observations()
    {
        double observationError = Math.Sqrt(0.5);
        Assert.InRange(Composition.Run(400), 0.01, 0.9 * observationError);
    }

    [Fact]
    public void The_own_components_are_resolved_beside_the_built_in_ones()
    {
        var (own, built) = Registration.Resolve();
        Assert.IsType<Roessler>(own);
        Assert.IsType<Lorenz96>(built);
    }
}

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
}

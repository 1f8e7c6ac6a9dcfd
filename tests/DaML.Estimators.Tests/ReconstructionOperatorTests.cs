using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The field behind coefficients as an observation operator.</summary>
public sealed class ReconstructionOperatorTests
{
    private readonly DataAssimilationContext context = new(4);
    private readonly ProperOrthogonalDecomposition decomposition;

    public ReconstructionOperatorTests()
    {
        using var random = context.Random("operator");
        var (modes, _) = linalg.qr(random.Normal([9, 3], ScalarType.Float64));
        var weights = ones(9, dtype: ScalarType.Float64);
        decomposition = new ProperOrthogonalDecomposition(random.Normal([9], ScalarType.Float64), modes, weights,
            ones(3, dtype: ScalarType.Float64), weights);
    }

    [Fact]
    public void ItsTangentLinearAndAdjointAreItsOwn() => // the check throws where they are not
        Assert.NotEmpty(
            ObservationOperatorConformance.Check(new ReconstructionOperator(decomposition).Then(new SubsetObservationOperator(9, [1, 4]))));

    [Fact]
    public void ItObservesTheReconstructedFieldAlsoAfterSaving()
    {
        using var random = context.Random("coefficients");
        var c = random.Normal([5, 3], ScalarType.Float64);
        var observation = new ReconstructionOperator(decomposition).Then(new SubsetObservationOperator(9, [1, 4]));
        Assert.Equal(decomposition.Reconstruct(c).index_select(1, tensor((long[])[1, 4])).data<double>().ToArray(),
            observation.Apply(c).data<double>().ToArray());
        Assert.Equal(observation.Apply(c).data<double>().ToArray(), Reloaded.Of(observation, context).Apply(c).data<double>().ToArray());
    }
}

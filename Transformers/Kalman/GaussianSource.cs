using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The source of the mean and covariance of a normal distribution, the same for each trajectory.</summary>
/// <param name="initial">The distribution.</param>
/// <param name="precision">The precision that the method works in.</param>
[Component("gaussian-source")]
public sealed class GaussianSource(GaussianInitialCondition initial, ScalarType precision) : IMemorySource<GaussianMemory>
{
    /// <inheritdoc/>
    public GaussianMemory Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var mean = initial.Mean.to(precision, random.Device).repeat(batch, 1);
        var root = initial.Covariance.Root(precision, random.Device).repeat(batch, 1, 1);
        scope.MoveToOuter(mean, root);
        return GaussianMemory.OfRoot(mean, root);
    }
}

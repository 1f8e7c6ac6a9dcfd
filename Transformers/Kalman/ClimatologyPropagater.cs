using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Forgets the past: whatever the analysis, the forecast is the climatology, a normal distribution that never changes.</summary>
/// <param name="climatology">The distribution.</param>
[Component("climatology-propagater")]
public sealed class ClimatologyPropagater(GaussianInitialCondition climatology) : IPropagater<GaussianMemory>
{
    /// <summary>The distribution.</summary>
    public GaussianInitialCondition Climatology => climatology;

    /// <inheritdoc/>
    public string Name => "climatology";

    /// <inheritdoc/>
    public GaussianMemory Propagate(GaussianMemory analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var like = analysis.Mean;
        var mean = climatology.Mean.to(like.dtype, like.device).repeat(like.size(0), 1);
        var root = climatology.Covariance.Root(like.dtype, like.device).repeat(like.size(0), 1, 1);
        scope.MoveToOuter(mean, root);
        return GaussianMemory.OfRoot(mean, root);
    }
}

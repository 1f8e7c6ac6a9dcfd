namespace DaML.Components;

/// <summary>Reads a mean and a covariance as their normal density.</summary>
[Component("gaussian-procoder")]
public sealed class GaussianProcoder : IProcoder<GaussianMemory>
{
    /// <inheritdoc/>
    public IDensity Decode(GaussianMemory memory) => GaussianDensity.OfRoot(memory.Mean, memory.Root);
}

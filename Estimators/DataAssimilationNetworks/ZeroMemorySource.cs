using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The source of a learned memory at zero, which simulates poor knowledge of the state (Boudier et al. section 5.1).</summary>
/// <param name="memorySize">m</param>
/// <param name="precision">The memory's precision.</param>
[Component("zero-memory-source")]
public sealed class ZeroMemorySource(long memorySize, ScalarType precision) : IMemorySource<VectorMemory>
{
    private readonly long memorySize = Require.AtLeast(memorySize, 1);

    /// <inheritdoc/>
    public VectorMemory Start(long batch, RandomStream random) => new(zeros([batch, memorySize], dtype: precision, device: random.Device));
}

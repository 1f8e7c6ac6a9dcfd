using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts a learned memory at zero, which simulates poor knowledge of the state (Boudier et al. section 5.1).</summary>
/// <param name="memorySize">m</param>
/// <param name="precision">The memory's precision.</param>
public sealed class ZeroMemorySource(long memorySize, ScalarType precision) : IMemorySource<VectorMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("zero-memory-source", 1, reader =>
        new ZeroMemorySource(Require.AtLeast(reader.Get<long>("memorySize"), 1), reader.Get<ScalarType>("precision")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public VectorMemory Start(long batch, RandomStream random) => new(zeros([batch, memorySize], dtype: precision, device: random.Device));

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("memorySize", memorySize);
        writer.Set("precision", precision);
    }
}

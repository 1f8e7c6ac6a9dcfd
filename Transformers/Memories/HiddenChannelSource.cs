using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Starts a state from another source, with hidden channels at zero: nothing is remembered yet.</summary>
/// <param name="inner">The source of the state.</param>
/// <param name="channels">The number of channels at each of its sites.</param>
[Component("hidden-channel-source")]
public sealed class HiddenChannelSource(IMemorySource<StateMemory> inner, long channels)
    : IMemorySource<ProductMemory<StateMemory, VectorMemory>>
{
    private readonly long channels = Require.AtLeast(channels, 1);

    /// <inheritdoc/>
    public ProductMemory<StateMemory, VectorMemory> Start(long batch, RandomStream random)
    {
        var first = inner.Start(batch, random);
        return new(first, new(first.State.new_zeros([batch, channels, first.State.size(1)])));
    }
}

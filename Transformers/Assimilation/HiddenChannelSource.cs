using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts a state as another source does, and hidden channels beside it at zero: nothing is remembered yet.</summary>
/// <param name="inner">Where the state starts.</param>
/// <param name="channels">Number of channels at each of its sites.</param>
public sealed class HiddenChannelSource(IMemorySource<StateMemory> inner, long channels) : IMemorySource<ProductMemory<StateMemory, VectorMemory>>, IComponent
{
    private readonly long channels = Require.AtLeast(channels, 1);

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("hidden-channel-source", 1, reader =>
        new HiddenChannelSource(reader.Part<IMemorySource<StateMemory>>("inner"), reader.Get<long>("channels")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public ProductMemory<StateMemory, VectorMemory> Start(long batch, RandomStream random)
    {
        var first = inner.Start(batch, random);
        return new(first, new(zeros([batch, channels, first.State.size(1)], dtype: first.State.dtype, device: first.State.device)));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("inner", inner);
        writer.Set("channels", channels);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The source of a window that is still to grow; its beginning comes from another source.</summary>
/// <param name="inner">The source of the memory at one time.</param>
/// <param name="cycling">The sequence of windows; the memory carries it to propagater and analyzer.</param>
/// <typeparam name="TInner">The memory at one time.</typeparam>
[Component("window-source")]
public sealed class WindowSource<TInner>(IMemorySource<TInner> inner, [Inlined] WindowCycling cycling)
    : IMemorySource<WindowMemory<TInner>> where TInner : IMemory<TInner>
{
    /// <summary>The sequence of windows.</summary>
    public WindowCycling Cycling => cycling;

    /// <inheritdoc/>
    public WindowMemory<TInner> Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        return new WindowMemory<TInner>(inner.Start(batch, random), cycling).Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Starts from a window that has yet to grow, its beginning what another source gives.</summary>
/// <param name="inner">Where the memory at one time starts.</param>
/// <param name="cycling">How windows follow each other; the memory carries it to propagater and analyzer.</param>
/// <typeparam name="TInner">The memory at one time.</typeparam>
[Component("window-source")]
public sealed class WindowSource<TInner>(IMemorySource<TInner> inner, [Inlined] WindowCycling cycling)
    : IMemorySource<WindowMemory<TInner>> where TInner : IMemory<TInner>
{
    /// <summary>How windows follow each other.</summary>
    public WindowCycling Cycling => cycling;

    /// <inheritdoc/>
    public WindowMemory<TInner> Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        return new WindowMemory<TInner>(inner.Start(batch, random), cycling).Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}

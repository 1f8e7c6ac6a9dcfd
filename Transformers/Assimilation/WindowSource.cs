using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts from a window that has yet to grow, its beginning what another source gives.</summary>
/// <param name="inner">Where the memory at one time starts.</param>
/// <param name="cycling">How windows follow each other; the memory carries it to propagater and analyzer.</param>
/// <typeparam name="TInner">The memory at one time.</typeparam>
public sealed class WindowSource<TInner>(IMemorySource<TInner> inner, WindowCycling cycling) : IMemorySource<WindowMemory<TInner>>, IComponent where TInner : IMemory<TInner>
{
    /// <summary>How the component is written and read; each memory has a kind of its own.</summary>
    public static ComponentType Type { get; } = new($"window-source({MemoryKind.Of(typeof(TInner))})", 1,
        reader => new WindowSource<TInner>(reader.Part<IMemorySource<TInner>>("inner"), WindowCycling.Load(reader)));

    ComponentType IComponent.ComponentType => Type;

    /// <summary>How windows follow each other.</summary>
    public WindowCycling Cycling => cycling;

    /// <inheritdoc/>
    public WindowMemory<TInner> Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        return new WindowMemory<TInner>(inner.Start(batch, random), cycling).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("inner", inner);
        cycling.Save(writer);
    }
}

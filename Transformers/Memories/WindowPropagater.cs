using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Propagates a window to a later time: its end by the inner propagater, and, once the window is full, its beginning past the cycles that
/// leave it. If all cycles leave it (disjoint windows, or windows of a single cycle), the next window begins at the end of the current
/// one, so nothing is run twice.
/// </summary>
/// <param name="inner">The propagater of the memory at one time.</param>
/// <typeparam name="TInner">The memory at one time.</typeparam>
[Component("window-propagater")]
public sealed class WindowPropagater<TInner>(IPropagater<TInner> inner) : IPropagater<WindowMemory<TInner>> where TInner : IMemory<TInner>
{
    /// <inheritdoc/>
    public double? TimeStep => inner.TimeStep;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>The propagater of the memory at one time.</summary>
    public IPropagater<TInner> Inner => inner;

    /// <inheritdoc/>
    public WindowMemory<TInner> Propagate(WindowMemory<TInner> analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var current = Run(analysis.Current, interval, random);
        double startTime = analysis.StartTimeOr(interval.From);
        int leaving = analysis.Leaving;
        WindowMemory<TInner> moved;
        if (analysis.Cycling.Length == 0) moved = analysis.Moved(current, interval.To, current, leaving);
        else if (leaving == 0) moved = analysis.Moved(analysis.Start, startTime, current, 0);
        else if (leaving == analysis.Observations.Count) moved = analysis.Moved(analysis.Current, interval.From, current, leaving);
        else
        {
            var past = new TimeInterval(startTime, analysis.Observations[leaving - 1].Time);
            moved = analysis.Moved(Run(analysis.Start, past, random), past.To, current, leaving);
        }
        return moved.Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    private TInner Run(TInner memory, TimeInterval interval, RandomStream random) =>
        interval.Length == 0 ? memory : inner.Propagate(memory, interval, random);
}

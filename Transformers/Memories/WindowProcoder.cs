namespace DaML.Components;

/// <summary>
/// Decodes a window as the density of the state at its end, the present; <see cref="DecodeStart"/> gives the smoothed density at its
/// beginning.
/// </summary>
/// <param name="inner">The procoder of the memory at one time.</param>
/// <typeparam name="TInner">The memory at one time.</typeparam>
[Component("window-procoder")]
public sealed class WindowProcoder<TInner>(IProcoder<TInner> inner) : IProcoder<WindowMemory<TInner>> where TInner : IMemory<TInner>
{
    /// <inheritdoc/>
    public bool HasSpread => inner.HasSpread;

    /// <inheritdoc/>
    public IDensity Decode(WindowMemory<TInner> memory) => inner.Decode(memory.Current);

    /// <summary>
    /// The density over states at <see cref="WindowMemory{TInner}.StartTime"/>; after an analysis it is the smoothed density, given all
    /// observations of the window.
    /// </summary>
    public IDensity DecodeStart(WindowMemory<TInner> memory) => inner.Decode(memory.Start);
}

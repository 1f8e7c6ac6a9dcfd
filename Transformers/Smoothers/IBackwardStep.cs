namespace DaML.Components;

/// <summary>
/// One step back in time of a fixed-interval smoother: from what all observations say of a cycle to what they say of the one before. It is
/// stateless.
/// </summary>
/// <typeparam name="TMemory">The memory of the filter that went before.</typeparam>
public interface IBackwardStep<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The smoothed memory of a cycle, fresh tensors.</summary>
    /// <param name="analysis">The filter's analysis of the cycle.</param>
    /// <param name="forecast">The filter's forecast of the next cycle, from that analysis.</param>
    /// <param name="smoothed">The smoothed memory of the next cycle.</param>
    /// <param name="interval">From the cycle to the next.</param>
    TMemory Back(TMemory analysis, TMemory forecast, TMemory smoothed, TimeInterval interval);
}

namespace DaML.Components;

/// <summary>
/// One backward step of a fixed-interval smoother: from the estimate of a cycle given all observations to that of the cycle before. It is
/// stateless.
/// </summary>
/// <typeparam name="TMemory">The memory of the filter of the forward pass.</typeparam>
public interface IBackwardStep<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Computes the smoothed memory of a cycle, in fresh tensors.</summary>
    /// <param name="analysis">The filter's analysis of the cycle.</param>
    /// <param name="forecast">The filter's forecast of the next cycle, from that analysis.</param>
    /// <param name="smoothed">The smoothed memory of the next cycle.</param>
    /// <param name="interval">The interval from the cycle to the next.</param>
    TMemory Back(TMemory analysis, TMemory forecast, TMemory smoothed, TimeInterval interval);
}

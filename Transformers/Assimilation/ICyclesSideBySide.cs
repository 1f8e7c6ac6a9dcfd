using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>An analyzer that can take whole cycles, forecast and analysis, of many trajectories side by side.</summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
internal interface ISideBySideAnalyzer<TMemory> : IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Gives the cycles of a run, or null if its parts, its size or its memory do not allow them.</summary>
    /// <param name="propagater">The method's propagater.</param>
    /// <param name="start">The memory before the first cycle.</param>
    ICyclesSideBySide<TMemory>? SideBySide(IPropagater<TMemory> propagater, TMemory start);
}

/// <summary>
/// The cycles of many trajectories in one piece: they hold the memory from cycle to cycle in a layout of their own. The results are those
/// of propagater, analyzer and procoder, to the bit. Whatever is out of the ordinary in a cycle is left to these.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
internal interface ICyclesSideBySide<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The precision of the memory's tensors, which are on the processor.</summary>
    ScalarType Precision { get; }

    /// <summary>Computes a cycle, unless the observation or a non-finite number is beyond it; then nothing has changed.</summary>
    /// <param name="analysis">The analysis to begin with, which remains the caller's; null = that which they hold.</param>
    /// <param name="interval">From the analysis to the observation.</param>
    /// <param name="observation">The observation, as it was read.</param>
    /// <param name="lift">The lifts of <see cref="InflationLimit{TMemory}"/>, which are brought up to date; null without.</param>
    /// <param name="most">The largest lift allowed.</param>
    CycleOutcome Run(TMemory? analysis, TimeInterval interval, Observation observation, Tensor? lift, double most);

    /// <summary>The mean of the latest forecast, or analysis, <c>[batch, n]</c>; a new tensor.</summary>
    Tensor Mean(bool analysis);

    /// <summary>Its standard deviation, <c>[batch, n]</c>; a new tensor.</summary>
    Tensor Spread(bool analysis);

    /// <summary>The memory itself; new tensors.</summary>
    TMemory Memory(bool analysis);
}

/// <summary>What became of a cycle.</summary>
internal enum CycleOutcome
{
    /// <summary>Nothing; propagater and analyzer must compute it.</summary>
    Refused,

    /// <summary>It is done.</summary>
    Done,

    /// <summary>It is done, and an inflation must be lowered.</summary>
    LiftedTooFar,
}

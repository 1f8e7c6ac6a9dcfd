namespace DaML.Components;

/// <summary>
/// The analyzer a : H x Y -> H, which takes a cycle's observation into the memory (Boudier et al. eq. 3.1a).
/// It is stateless: everything that lasts is in the memory. It returns fresh tensors (an unchanged one as an alias).
/// </summary>
public interface IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>Whether it heeds <see cref="Observation.ErrorScale"/>; a view that has one is refused where it does not.</summary>
    bool TakesErrorScale => false;

    /// <summary>
    /// H, where it observes by one, so that a message can say whether values that are not finite come from it (default: null).
    /// </summary>
    IObservationOperator? Observes => null;

    /// <summary>
    /// The same analyzer for other observations: for cycles whose view says what observed them (<see cref="ITrajectoryCursor.Network"/>).
    /// </summary>
    /// <param name="network">Operator, error covariance and places.</param>
    /// <exception cref="NotSupportedException">It works for the observations only that it was made or trained for.</exception>
    /// <exception cref="ArgumentException">The network does not fit the analyzer.</exception>
    IAnalyzer<TMemory> For(IObservationNetwork network) =>
        throw new NotSupportedException(
            $"{Name} takes the observing network to be the same in every cycle, but the view says that another one observed a cycle " +
                $"({network.Operator.Name}).");

    /// <summary>The posterior memory.</summary>
    /// <param name="forecast">The prior memory.</param>
    /// <param name="observation">What was observed.</param>
    /// <param name="random">Where a stochastic analyzer draws from.</param>
    TMemory Analyze(TMemory forecast, Observation observation, RandomStream random);
}

/// <summary>The propagater b : H -> H, which carries the memory to a later time (eq. 3.1b). It is stateless.</summary>
public interface IPropagater<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>The time step of which its intervals are whole numbers, in the model's unit; null = it takes any interval
    /// (default).</summary>
    double? TimeStep => null;

    /// <summary>The memory at the interval's end.</summary>
    /// <param name="analysis">The memory at its beginning.</param>
    /// <param name="interval">From when to when, in the model's unit of time.</param>
    /// <param name="random">Where model errors are drawn from.</param>
    TMemory Propagate(TMemory analysis, TimeInterval interval, RandomStream random);
}

/// <summary>The procoder c : H -> pdf over X, which says what a memory means (eq. 3.1c).</summary>
public interface IProcoder<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// Whether its densities have a spread, so that the loop adds the spread columns; false for a procoder that gives a single state.
    /// </summary>
    bool HasSpread => true;

    /// <summary>The density over states that the memory stands for.</summary>
    IDensity Decode(TMemory memory);
}

/// <summary>Where a method's memory starts (h_{-1}^a of eq. 4.1).</summary>
public interface IMemorySource<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The memory before the first cycle.</summary>
    /// <param name="batch">Number of trajectories.</param>
    /// <param name="random">Where it is drawn from.</param>
    TMemory Start(long batch, RandomStream random);
}

/// <summary>
/// A sequential assimilation method: every one is a triple over some memory (Boudier et al. section 3). Any part can be
/// exchanged: a learned analyzer with a physical propagater, an emulator under an ensemble analyzer.
/// </summary>
/// <param name="Analyzer">a : H x Y -> H</param>
/// <param name="Propagater">b : H -> H</param>
/// <param name="Procoder">c : H -> pdf over X</param>
/// <param name="Source">The memory before the first cycle.</param>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed record AssimilationTriple<TMemory>(
    IAnalyzer<TMemory> Analyzer,
    IPropagater<TMemory> Propagater,
    IProcoder<TMemory> Procoder,
    IMemorySource<TMemory> Source)
    where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// The analyzer for an observation: the triple's own, or where the view says what observed the cycle, that for this network.
    /// </summary>
    /// <param name="observation">The observation.</param>
    /// <exception cref="NotSupportedException">The analyzer works for the observations only that it was made or trained for.</exception>
    public IAnalyzer<TMemory> AnalyzerOf(Observation observation) => observation.Network is { } network ? Analyzer.For(network) : Analyzer;
}

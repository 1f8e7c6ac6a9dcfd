namespace DaML.Components;

/// <summary>
/// The analyzer a : H x Y -> H, which assimilates a cycle's observation into the memory (Boudier et al. eq. 3.1a). It is stateless:
/// everything that persists is in the memory. It returns fresh tensors (an unchanged one as an alias).
/// </summary>
public interface IAnalyzer<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The name in messages and tables.</summary>
    string Name { get; }

    /// <summary>Whether the analyzer uses <see cref="Observation.ErrorScale"/>; if not, a view that has such a scale is refused.</summary>
    bool TakesErrorScale => false;

    /// <summary>
    /// H, if the analyzer uses an observation operator, so that a message can say whether it returned the non-finite values (default:
    /// null).
    /// </summary>
    IObservationOperator? Observes => null;

    /// <summary>
    /// The same analyzer for other observations, for cycles whose view names their network (<see cref="ITrajectoryCursor.Network"/>).
    /// </summary>
    /// <param name="network">Operator, error covariance and places.</param>
    /// <exception cref="NotSupportedException">The analyzer works only for the observations that it was made or trained for.</exception>
    /// <exception cref="ArgumentException">The network does not fit the analyzer.</exception>
    IAnalyzer<TMemory> For(IObservationNetwork network) =>
        throw new NotSupportedException(
            $"{Name} assumes the same observation network in every cycle, but a different one observed a cycle of this view " +
                $"({network.Operator.Name}).");

    /// <summary>Computes the posterior memory.</summary>
    /// <param name="forecast">The prior memory.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="random">The stream that a stochastic analyzer draws from.</param>
    TMemory Analyze(TMemory forecast, Observation observation, RandomStream random);
}

/// <summary>The propagater b : H -> H, which propagates the memory to a later time (eq. 3.1b). It is stateless.</summary>
public interface IPropagater<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The name in messages and tables.</summary>
    string Name { get; }

    /// <summary>The time step in the model's unit; intervals must be a whole number of steps (default: null, any interval).</summary>
    double? TimeStep => null;

    /// <summary>Computes the memory at the interval's end.</summary>
    /// <param name="analysis">The memory at its beginning.</param>
    /// <param name="interval">The interval, in the model's unit of time.</param>
    /// <param name="random">The stream that model errors are drawn from.</param>
    TMemory Propagate(TMemory analysis, TimeInterval interval, RandomStream random);
}

/// <summary>The procoder c : H -> pdf over X, which gives the density that a memory represents (eq. 3.1c).</summary>
public interface IProcoder<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// Whether the densities have a spread, so that the loop adds the spread columns; false for a procoder that gives a single state.
    /// </summary>
    bool HasSpread => true;

    /// <summary>The density over states that the memory represents.</summary>
    IDensity Decode(TMemory memory);
}

/// <summary>The source of a method's first memory (h_{-1}^a of eq. 4.1).</summary>
public interface IMemorySource<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The memory before the first cycle.</summary>
    /// <param name="batch">Number of trajectories.</param>
    /// <param name="random">The stream it is drawn from.</param>
    TMemory Start(long batch, RandomStream random);
}

/// <summary>
/// A sequential assimilation method: a triple over some memory (Boudier et al. section 3). Each part can be exchanged: a learned analyzer
/// with a physical propagater, an emulator under an ensemble analyzer.
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
    /// The analyzer for an observation: the triple's own or, if the view names the cycle's network, the one for that network.
    /// </summary>
    /// <param name="observation">The observation.</param>
    /// <exception cref="NotSupportedException">The analyzer works only for the observations that it was made or trained for.</exception>
    public IAnalyzer<TMemory> AnalyzerOf(Observation observation) => observation.Network is { } network ? Analyzer.For(network) : Analyzer;
}

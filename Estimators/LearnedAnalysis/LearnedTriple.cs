using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A method whose parts have parameters, as a <see cref="LearnedAnalysisEstimator{TMemory}"/> trains it: any of analyzer,
/// propagater and procoder may learn, whatever the memory.
/// </summary>
/// <param name="Network">What has all the parameters that are learned; where several parts learn, a module they are registered in.</param>
/// <param name="InTraining">The method while it learns: gradients flow through its parts, which leave the network's mode as it is.</param>
/// <param name="Freeze">Makes the method that is used afterwards, and saved, of the trained network; it is told how training went.
/// Its analyzer freezes the network (<see cref="ModuleState.Freeze"/>).</param>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed record LearnedTriple<TMemory>(nn.Module Network, AssimilationTriple<TMemory> InTraining,
    Func<TrainingHistory, AssimilationTriple<TMemory>> Freeze)
    where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// What an analysis is charged in training; null = <see cref="AnalysisCosts.SquaredError{TMemory}"/> of the mean (Bocquet et al. 2024,
    /// eq. 4)
    /// in the unit of the observation errors, 1 / <see cref="AnalysisStatistics.InnovationDeviation"/>, so that training is the same in
    /// every unit of the state.
    /// </summary>
    public AnalysisCost<TMemory>? Cost { get; init; }

    /// <summary>
    /// The score on hold-out trajectories, smaller is better (default: null, the root mean square error of the analysis).
    /// </summary>
    public IScore? Validation { get; init; }

    /// <summary>
    /// The cost from which on a trajectory counts as diverged and is started afresh. Null = where the cost is the default,
    /// twice the variance of the true states, by which two states differ that have nothing to do with each other; with a
    /// <see cref="Cost"/> of one's own no bound, so that only a cost that is not finite counts.
    /// </summary>
    public double? DivergedCost { get; init; }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// What the settings of all learned analyses share, with its defaults. For a system it is an estimator that trains its networks.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public abstract record LearnedAnalysis<TMemory> : AssimilationMethod where TMemory : IMemory<TMemory>
{
    /// <summary>The settings of its training. A lower rate than that of a new network keeps what a trained one knows.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An option out of its range, dimensions that differ, or a grid of another size than the
    /// state.</exception>
    public abstract override LearnedAnalysisEstimator<TMemory> For(AssimilationSystem system, DataAssimilationContext context);

    /// <summary>The estimator of a network that analyses the memory.</summary>
    /// <param name="name">The method's name.</param>
    /// <param name="system">The model and what is observed of it.</param>
    /// <param name="context">Seed, device, precision of networks, progress.</param>
    /// <param name="createNetwork">Makes the network that a <see cref="LearnedAnalyzer{TMemory}"/> uses.</param>
    /// <param name="parts">Makes the method of its analyzer and the initial condition.</param>
    /// <param name="training">How it is trained (default: null, the defaults).</param>
    /// <param name="options">How the trained method is used (default: null, the defaults).</param>
    /// <param name="hasSpread">Whether the method's procoder has a spread.</param>
    internal static LearnedAnalysisEstimator<TMemory> OfNetwork(string name, AssimilationSystem system, DataAssimilationContext context,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork,
        Func<IAnalyzer<TMemory>, IInitialCondition, AssimilationTriple<TMemory>> parts, TrainingOptions? training,
        SequentialAssimilationOptions? options, bool hasSpread = false) =>
        new(name, context, system.Network, (statistics, random) =>
        {
            var (network, observing) = (createNetwork(statistics, random), system.Network);
            var triple = parts(LearnedAnalyzer<TMemory>.InTraining(name, network, observing),
                system.Initial ?? statistics.Climatology(context.Device));
            return new LearnedTriple<TMemory>(network, triple, history => triple with
                { Analyzer = new LearnedAnalyzer<TMemory>(name, observing.Operator, observing.Error, network, history) });
        }, training, hasSpread, options);
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Learned analyses, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class LearnedAnalysisCatalog
{
    /// <summary>The ensemble-free analysis of Bocquet et al. (2024): a residual convolutional network over a grid, a circle of sites unless said.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state lies on the network's grid.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="network">Its size, what it reads and its grid; null = the defaults, which train within minutes.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<StateMemory> ResidualConvolution(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork observing,
        ResidualConvolutionOptions? network = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var size = (network ?? new()).Checked();
        size.Grid.RequireDimension(dynamics.Dimension);
        return catalog.Learned(size.Name, dynamics, observing,
            (statistics, random) => new ResidualConvolutionNetwork(size, statistics, catalog.Context.Options.NetworkPrecision, random), training, initial);
    }

    /// <summary>An analysis x_f + a(x_f, H^T R^-1 (y - H x_f)) learned by a network a of one's own.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="createNetwork">Makes the network (forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) ->
    /// increment <c>[batch, n]</c> from the constants of the training data and a stream to draw its weights from
    /// (<see cref="ModuleState.DrawWeights"/>), on the stream's device and in the context's network precision; to be saved it must be
    /// an <see cref="IComponent"/> whose type is in <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts, in training and in use; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, or dimensions that differ.</exception>
    public static LearnedAnalysisEstimator<StateMemory> Learned(this AnalysisCatalog catalog, string name, IDynamics dynamics, IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        RequireOneDimension(dynamics, observing, initial);
        var context = catalog.Context;
        return catalog.Learned(name, observing, (statistics, random) =>
        {
            var network = createNetwork(statistics, random);
            var triple = new AssimilationTriple<StateMemory>(
                new LearnedAnalyzerInTraining(name, network, observing), new StatePropagater(dynamics), new StateProcoder(),
                new StateSource(initial ?? statistics.Climatology(context.Device), context.Options.NetworkPrecision));
            return new LearnedTriple<StateMemory>(network, triple,
                history => triple with { Analyzer = new LearnedAnalyzer(name, observing.Operator, observing.Error, network, history) });
        }, training);
    }

    /// <summary>Any method whose parts learn, over any memory: networks that read ensembles, carry hidden channels, or are propagater and procoder too.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="create">Makes networks and triple from the constants of the training data and a stream to draw weights from.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="hasSpread">What the procoder that is made will say of <see cref="IProcoder{TMemory}.HasSpread"/>; a pipeline's columns are known before anything is learned.</param>
    /// <typeparam name="TMemory">The memory H.</typeparam>
    /// <exception cref="ArgumentException">An option out of its range.</exception>
    public static LearnedAnalysisEstimator<TMemory> Learned<TMemory>(this AnalysisCatalog catalog, string name, IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, LearnedTriple<TMemory>> create, TrainingOptions? training = null, bool hasSpread = false)
        where TMemory : IMemory<TMemory> => new(name, catalog.Context, observing, create, training, hasSpread);

    /// <summary>Refuses a model, a network and an initial condition that are not of one dimension.</summary>
    internal static void RequireOneDimension(IDynamics dynamics, IObservationNetwork observing, IInitialCondition? initial)
    {
        if (observing.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException($"The network observes states of dimension {observing.Operator.StateDimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(observing));
        if (initial is not null && initial.Dimension != dynamics.Dimension)
            throw new ArgumentException($"The initial condition has dimension {initial.Dimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(initial));
    }
}

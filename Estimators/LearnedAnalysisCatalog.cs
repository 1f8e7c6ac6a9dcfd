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

    /// <summary>The same, begun as a trained analysis instead of with weights that are drawn: to go on with its training, or for another model or other observations.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="first">The trained analysis, by a residual convolutional network; it stays as it is, and gives size, grid and units.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="training">How it is trained; null = the defaults. A lower rate than that of a new network keeps what is known.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">Another kind of analysis, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<StateMemory> ResidualConvolution(this AnalysisCatalog catalog, SequentialAssimilation<StateMemory> first, IDynamics dynamics, IObservationNetwork observing,
        TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var network = NetworkOf(first);
        network.Options.Grid.RequireDimension(dynamics.Dimension);
        return catalog.Learned(network.Options.Name, dynamics, observing, (_, random) => network.CopyOn(random.Device), training, initial);
    }

    /// <summary>The network of an analysis that another begins as.</summary>
    /// <exception cref="ArgumentException">It is another kind of analysis.</exception>
    internal static ResidualConvolutionNetwork NetworkOf(SequentialAssimilation<StateMemory> first) => first.Triple.Analyzer is LearnedAnalyzer { Network: ResidualConvolutionNetwork network } ? network
        : throw new ArgumentException($"An analysis begins as one by a residual convolutional network; the analyzer of '{first.Name}' is {first.Triple.Analyzer.Name}.", nameof(first));

    /// <summary>The analysis x_f + P^a(x_f) H^T R^-1 (y - H x_f) with a learned covariance P^a = rho o (X X^T) (Bocquet et al. 2025, appendix B).</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state lies on the network's grid.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="network">The network's size and localisation; null = the defaults.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, a taper that is no correlation, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<StateMemory> InnovationLinear(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork observing,
        InnovationLinearOptions? network = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var size = (network ?? new()).Checked();
        size.Network.Grid.RequireDimension(dynamics.Dimension);
        return catalog.Learned("linear in the innovation", dynamics, observing,
            (statistics, random) => new InnovationLinearNetwork(size, statistics, catalog.Context.Options.NetworkPrecision, random), training, initial);
    }

    /// <summary>A residual convolutional network over an ensemble whose members are channels (Bocquet et al. 2024, eq. 2), trained on the error of the mean (eq. 4).</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state lies on the network's grid.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="members">N_e, at least 2.</param>
    /// <param name="network">The network's size, what it reads and its grid; null = the defaults.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">What each member is drawn from at the start; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<EnsembleMemory> EnsembleConvolution(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork observing, long members,
        ResidualConvolutionOptions? network = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        RequireOneDimension(dynamics, observing, initial);
        Require.AtLeast(members, 2);
        var size = (network ?? new()).Checked();
        size.Grid.RequireDimension(dynamics.Dimension);
        var context = catalog.Context;
        string name = $"{size.Name} (N = {members})";
        return catalog.Learned(name, observing, (statistics, random) =>
        {
            var precision = context.Options.NetworkPrecision;
            var layers = new EnsembleConvolutionNetwork(members, size, statistics, precision, random);
            var triple = new AssimilationTriple<EnsembleMemory>(
                LearnedEnsembleAnalyzer.InTraining(name, layers, observing), new EnsemblePropagater(dynamics), new EnsembleProcoder(),
                new EnsembleSource(initial ?? statistics.Climatology(context.Device), members, precision));
            return new LearnedTriple<EnsembleMemory>(layers, triple,
                history => triple with { Analyzer = new LearnedEnsembleAnalyzer(name, observing.Operator, observing.Error, layers, history) });
        }, training, hasSpread: true);
    }

    /// <summary>An analysis learned by any torch module over fields: channels (forecast, H^T R^-1 innovation) -> increment, scaled to the order of one.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state lies on the grid.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="grid">How a state lies on the module's fields.</param>
    /// <param name="createLayers">Makes the module <c>[batch, 2, grid...]</c> -> <c>[batch, 1, grid...]</c> and draws its weights from the
    /// stream (<see cref="ModuleState.DrawWeights"/>), on the stream's device and in the context's network precision; to be saved
    /// it must be an <see cref="IComponent"/> whose type is in <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<StateMemory> LearnedField(this AnalysisCatalog catalog, string name, IDynamics dynamics, IObservationNetwork observing, StateGrid grid,
        Func<RandomStream, nn.Module<Tensor, Tensor>> createLayers, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        grid.RequireDimension(dynamics.Dimension);
        return catalog.Learned(name, dynamics, observing, (statistics, random) => new FieldNetwork(createLayers(random), statistics, grid), training, initial);
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
                LearnedAnalyzer.InTraining(name, network, observing), new StatePropagater(dynamics), new StateProcoder(),
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

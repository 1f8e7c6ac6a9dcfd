using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Learned analyses with a memory, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class HiddenChannelCatalog
{
    /// <summary>
    /// The ensemble-free analysis of Bocquet et al. (2024) with a memory beside the forecast: a residual convolutional network
    /// that also reads hidden channels at the sites of its grid and writes them for the next analysis.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state lies on the network's grid.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="memory">The hidden channels; null = the defaults.</param>
    /// <param name="network">Its size, what it reads and its grid; null = the defaults, which train within minutes.</param>
    /// <param name="training">How it is trained; null = the defaults. The memory's gradient is cut with the state's after <see cref="TrainingOptions.Truncation"/> cycles.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> ResidualConvolutionWithMemory(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork observing,
        HiddenChannelOptions? memory = null, ResidualConvolutionOptions? network = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var (channels, size) = ((memory ?? new()).Checked(), (network ?? new()).Checked());
        size.Grid.RequireDimension(dynamics.Dimension);
        return catalog.LearnedWithMemory($"{size.Name} with memory", dynamics, observing, channels,
            (statistics, random) => new ResidualConvolutionMemoryNetwork(size, channels, statistics, catalog.Context.Options.NetworkPrecision, random), training, initial);
    }

    /// <summary>
    /// The same, begun as a trained analysis without a memory instead of with weights that are drawn: to its increments the memory's use is
    /// learned, which takes a fraction of the time.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="first">The trained analysis, by a residual convolutional network; it stays as it is, and gives size, grid and units.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="memory">The hidden channels; null = the defaults.</param>
    /// <param name="training">How it is trained; null = the defaults. A lower rate than that of a new network keeps what is known.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">Another kind of analysis, an option out of its range, dimensions that differ, or a grid of another size than the state.</exception>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> ResidualConvolutionWithMemory(this AnalysisCatalog catalog, SequentialAssimilation<StateMemory> first,
        IDynamics dynamics, IObservationNetwork observing, HiddenChannelOptions? memory = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var (network, channels) = (LearnedAnalysisCatalog.NetworkOf(first), (memory ?? new()).Checked());
        network.Options.Grid.RequireDimension(dynamics.Dimension);
        return catalog.LearnedWithMemory($"{network.Options.Name} with memory", dynamics, observing, channels, (_, random) => new ResidualConvolutionMemoryNetwork(network, channels, random), training, initial);
    }

    /// <summary>An analysis with hidden channels, (x_a, h_a) from (x_f, H^T R^-1 (y - H x_f), h_f), learned by a network of one's own.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="memory">How many hidden channels, and what becomes of them between analyses; how they are written is the network's.</param>
    /// <param name="createNetwork">Makes the network (forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>, channels
    /// <c>[batch, k, n]</c>) -> (increment <c>[batch, n]</c>, channels <c>[batch, k, n]</c>) from the constants of the training data and
    /// a stream to draw its weights from; to be saved it must be an <see cref="IComponent"/>.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, or dimensions that differ.</exception>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> LearnedWithMemory(this AnalysisCatalog catalog, string name, IDynamics dynamics, IObservationNetwork observing,
        HiddenChannelOptions memory, Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)>> createNetwork,
        TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        LearnedAnalysisCatalog.RequireOneDimension(dynamics, observing, initial);
        memory.Checked();
        var context = catalog.Context;
        return catalog.Learned(name, observing, (statistics, random) =>
        {
            var network = createNetwork(statistics, random);
            IPropagater<ProductMemory<StateMemory, VectorMemory>> propagater = memory.Transport == ChannelTransport.TangentLinear
                ? new TangentLinearChannelPropagater(dynamics) : new CarriedVectorPropagater<StateMemory>(new StatePropagater(dynamics));
            var start = new StateSource(initial ?? statistics.Climatology(context.Device), context.Options.NetworkPrecision);
            var triple = new AssimilationTriple<ProductMemory<StateMemory, VectorMemory>>(HiddenChannelAnalyzer.InTraining(name, network, observing),
                propagater, new CarriedVectorProcoder<StateMemory>(new StateProcoder()), new HiddenChannelSource(start, memory.Count));
            return new LearnedTriple<ProductMemory<StateMemory, VectorMemory>>(network, triple,
                history => triple with { Analyzer = new HiddenChannelAnalyzer(name, observing.Operator, observing.Error, network, history) });
        }, training);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The ensemble-free analysis of Bocquet et al. (2024) with a memory beside the forecast: a residual convolutional network
/// that also reads hidden channels at the sites of its grid and writes them for the next analysis. The memory's gradient is cut with the
/// state's after
/// <see cref="TrainingOptions.Truncation"/> cycles.
/// </summary>
public sealed record ResidualConvolutionWithMemory : LearnedAnalysis<ProductMemory<StateMemory, VectorMemory>>
{
    /// <summary>The hidden channels.</summary>
    public HiddenChannelOptions Memory { get; init; } = new();

    /// <summary>The network's size, what it reads and its grid (default: a size that trains within minutes).</summary>
    public ResidualConvolutionOptions Network { get; init; } = new();

    /// <summary>
    /// A trained analysis without a memory, which it begins as instead of with weights that are drawn: to its increments the memory's use
    /// is learned, which
    /// takes a fraction of the time. It stays as it is, and gives size, grid and units (default: null, weights are drawn).
    /// </summary>
    public SequentialAssimilation<StateMemory>? First { get; init; }

    /// <inheritdoc/>
    public override LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> For(AssimilationSystem system,
        DataAssimilationContext context)
    {
        var trained = First is null ? null : ResidualConvolution.NetworkOf(First);
        var (channels, size) = (Memory.Checked(), trained?.Options ?? Network.Checked());
        size.Grid.RequireDimension(system.Dynamics.Dimension);
        return OfNetwork(Name ?? $"{size.Name} with memory", system, context, channels, (statistics, random) => trained is not null
            ? new ResidualConvolutionMemoryNetwork(trained, channels, random)
            : new ResidualConvolutionMemoryNetwork(size, channels, statistics, context.Options.NetworkPrecision, random), Training, this);
    }

    /// <summary>The estimator of a network that reads and writes hidden channels.</summary>
    internal static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> OfNetwork(string name, AssimilationSystem system,
        DataAssimilationContext context,
        HiddenChannelOptions memory,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)>> createNetwork,
        TrainingOptions? training, SequentialAssimilationOptions? options = null)
    {
        memory.Checked();
        return new(name, context, system.Network, (statistics, random) =>
        {
            var network = createNetwork(statistics, random);
            IPropagater<ProductMemory<StateMemory, VectorMemory>> propagater = memory.Transport == ChannelTransport.TangentLinear
                ? new TangentLinearChannelPropagater(system.Dynamics)
                : new CarriedVectorPropagater<StateMemory>(new StatePropagater(system.Dynamics));
            var start = new StateSource(system.Initial ?? statistics.Climatology(context.Device), context.Options.NetworkPrecision);
            var triple =
                new AssimilationTriple<ProductMemory<StateMemory, VectorMemory>>(
                    HiddenChannelAnalyzer.InTraining(name, network, system.Network),
                propagater, new CarriedVectorProcoder<StateMemory>(new StateProcoder()), new HiddenChannelSource(start, memory.Count));
            return new LearnedTriple<ProductMemory<StateMemory, VectorMemory>>(network, triple,
                history => triple with
                    { Analyzer = new HiddenChannelAnalyzer(name, system.Network.Operator, system.Network.Error, network, history) });
        }, training, options: options);
    }
}

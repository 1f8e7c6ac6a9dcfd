using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The ensemble-free analysis of Bocquet et al. (2024) with a memory beside the forecast: a residual convolutional network
/// that also reads hidden channels at the sites of its grid and writes them for the next analysis. The memory's gradient is cut with the
/// state's after
/// <see cref="TrainingOptions.Truncation"/> cycles.
/// </summary>
[Component("residual-convolution-with-memory-method", 2)]
public sealed record ResidualConvolutionWithMemory : LearnedAnalysis<ProductMemory<StateMemory, VectorMemory>>
{
    /// <summary>The hidden channels.</summary>
    public HiddenChannelOptions Memory { get; init; } = new();

    /// <summary>The network's size, what it reads and its grid (default: a size that trains within minutes).</summary>
    public ResidualConvolutionOptions Network { get; init; } = new();

    /// <summary>
    /// A trained analysis without a memory, which it begins as instead of with weights that are drawn: to its increments the memory's use
    /// is learned, which
    /// takes a fraction of the time. It stays as it is, and gives size, grid and units, so <see cref="Network"/> keeps its default
    /// (default: null, weights are drawn).
    /// </summary>
    public SequentialAssimilation<StateMemory>? First { get; init; }

    /// <inheritdoc/>
    public override LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> For(AssimilationSystem system,
        DataAssimilationContext context)
    {
        var trained = First is null ? null : ResidualConvolution.NetworkOf(First);
        var (channels, size) = (Memory.Checked(), DaML.ResidualConvolution.SizeOf(trained, Network));
        size.Grid.RequireDimension(system.Dynamics.Dimension);
        return OfNetwork(Name ?? $"{size.Name} with memory", system, context, channels, (statistics, random) => trained is not null
            ? new ResidualConvolutionNetwork(trained, channels, random)
            : new ResidualConvolutionNetwork(size, channels, statistics, context.Options.NetworkPrecision, random), Training, this);
    }

    /// <summary>The estimator of a network that reads and writes hidden channels.</summary>
    internal static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> OfNetwork(string name, AssimilationSystem system,
        DataAssimilationContext context, HiddenChannelOptions memory,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork,
        TrainingOptions? training, SequentialAssimilationOptions? options = null)
    {
        memory.Checked();
        return OfNetwork(name, system, context, createNetwork, (analyzer, initial) => new(analyzer,
            memory.Transport == ChannelTransport.TangentLinear ? new TangentLinearChannelPropagater(system.Dynamics)
                : new CarriedVectorPropagater<StateMemory>(new StatePropagater(system.Dynamics)),
            new CarriedVectorProcoder<StateMemory>(new StateProcoder()),
            new HiddenChannelSource(new StateSource(initial, context.Options.NetworkPrecision), memory.Count)), training, options);
    }
}

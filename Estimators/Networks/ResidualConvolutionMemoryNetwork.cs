using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The <see cref="ResidualConvolutionNetwork"/> with a memory: a <see cref="ResidualConvolutionTrunk"/> from 2 + k channels
/// (forecast, H^T R^-1 innovation, hidden channels) to the increment and k new hidden channels. Along periodic directions it
/// commutes with translations; it runs on circles and lines of any size.
/// </summary>
/// <remarks>Forecast, innovation and increment are scaled as in <see cref="ResidualConvolutionNetwork"/>; hidden channels lie between -1
/// and 1.</remarks>
public sealed class ResidualConvolutionMemoryNetwork
    : nn.Module<Tensor, Tensor, Tensor, (Tensor Increment, Tensor Channels)>, IScaledNetwork, IComponent
{
    private readonly ScalarType precision;
    private readonly ResidualConvolutionTrunk trunk;
    private readonly Parameter? innovationFactor;

    /// <summary>Creates a network with weights that are drawn from a stream.</summary>
    /// <param name="options">Its size.</param>
    /// <param name="memory">Its hidden channels.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">Where its first weights are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionMemoryNetwork(ResidualConvolutionOptions options, HiddenChannelOptions memory, AnalysisStatistics statistics,
        ScalarType precision, RandomStream random)
        : this(options, memory, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    /// <summary>
    /// Creates a network that begins as one without a memory: its increment is the other's whatever the hidden channels hold, for it
    /// does not read them before training has found a use for them. What it writes into them is drawn from a stream.
    /// </summary>
    /// <param name="first">The trained network; it stays as it is.</param>
    /// <param name="memory">The hidden channels.</param>
    /// <param name="random">Where the weights that the other has not are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range.</exception>
    public ResidualConvolutionMemoryNetwork(ResidualConvolutionNetwork first, HiddenChannelOptions memory, RandomStream random)
        : this(first.Options, memory, first.Statistics, first.Precision, random)
    {
        trunk.BeginAs(first.Trunk);
        using var noGradients = no_grad();
        innovationFactor?.copy_(first.InnovationFactor!);
    }

    private ResidualConvolutionMemoryNetwork(ResidualConvolutionOptions options, HiddenChannelOptions memory, AnalysisStatistics statistics,
        ScalarType precision, Device device)
        : base(nameof(ResidualConvolutionMemoryNetwork))
    {
        Options = options.Checked();
        Memory = memory.Checked();
        Statistics = statistics.Checked();
        this.precision = precision;
        trunk = new ResidualConvolutionTrunk(options, (options.Inputs == AnalysisInputs.InnovationOnly ? 1 : 2) + memory.Count,
            Outputs(memory), precision, device);
        if (options.InnovationTerm == InnovationTerm.Trainable)
            innovationFactor = new Parameter(zeros([], dtype: precision, device: device));
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("residual-convolution-memory-network", 1, Load);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The network's size.</summary>
    public ResidualConvolutionOptions Options { get; }

    /// <summary>Its hidden channels.</summary>
    public HiddenChannelOptions Memory { get; }

    /// <summary>The constants by which inputs and increment are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>How it is computed; what the options said unless changed.</summary>
    public NetworkComputation Computation
    {
        get => trunk.Computation;
        set => trunk.Computation = value;
    }

    /// <summary>Which way is in use on the network's device, in words.</summary>
    public string ComputationInUse => trunk.ComputationInUse;

    /// <summary>The increment x_a - x_f and the hidden channels h_a.</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <param name="channels">h_f, <c>[batch, k, n]</c></param>
    /// <returns><c>[batch, n]</c> and <c>[batch, k, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites in a periodic direction than a convolution reaches to one
    /// side.</exception>
    public override (Tensor Increment, Tensor Channels) forward(Tensor forecast, Tensor scaledInnovation, Tensor channels)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.Sizes());
        Require.Shape(channels, "The hidden channels", forecast.size(0), Memory.Count, forecast.size(1));

        long k = Memory.Count;
        var read = Statistics.Channels(Options.Inputs, forecast, scaledInnovation);                              // [batch, 1 or 2, n]
        var output = Options.Grid.ToState(trunk.call(Options.Grid.ToField(cat([read, channels], 1))));           // [batch, 1 + k (+ k), n]
        var increment = output.select(1, 0);
        if (innovationFactor is not null) increment = increment + innovationFactor * read.select(1, -1);
        var written = output.narrow(1, 1, k).tanh();
        // g h_f + (1 - g) tanh(proposal)
        if (Memory.Update == ChannelUpdate.Gated) written = written.lerp(channels, output.narrow(1, 1 + k, k).sigmoid());
        return (increment / Statistics.InnovationDeviation, written);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("options", Options);
        writer.Set("memory", Memory);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    private static ResidualConvolutionMemoryNetwork Load(ComponentReader reader)
    {
        var options = reader.Get<ResidualConvolutionOptions>("options").Checked();
        var memory = reader.Get<HiddenChannelOptions>("memory").Checked();
        ResidualConvolutionTrunk.RequireSaved(reader, options, nameof(trunk) + ".");
        var network = new ResidualConvolutionMemoryNetwork(options, memory, reader.Get<AnalysisStatistics>("statistics"),
            reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network);
        return network;
    }

    // The increment, what is proposed for each channel, and its gate where there is one.
    private static long Outputs(HiddenChannelOptions memory) => 1 + memory.Count * (memory.Update == ChannelUpdate.Gated ? 2 : 1);
}

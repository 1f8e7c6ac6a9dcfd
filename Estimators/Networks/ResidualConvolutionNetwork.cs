using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The residual convolutional network a_theta of Bocquet et al. (2024, appendix A, fig. 4): a <see cref="ResidualConvolutionTrunk"/>
/// from the forecast and the H^T R^-1 innovation, each a channel, to the increment. The forecast is one state, an ensemble with a
/// channel for each member (eq. 2 there), or a state with hidden channels, of which the network writes new ones.
/// </summary>
/// <remarks>
/// <para>Along periodic directions it commutes with translations; it runs on circles and lines of any size, and with the same weights
/// on other planes (<see cref="On"/>).</para>
/// <para>The paper feeds raw numbers. Here the forecast is standardised and the innovation scaled by the constants of
/// <see cref="AnalysisStatistics"/>, and the increment scaled back by the latter: a change of units that makes training
/// indifferent to those of the data and more than twice as fast on Lorenz-96. Hidden channels lie between -1 and 1.</para>
/// <para>Members are channels, so their order matters and their number is fixed. The papers train on the error of the mean alone and
/// find that the members become alike, so that one of them is as good as forty: their spread need not mean anything.</para>
/// </remarks>
public sealed class ResidualConvolutionNetwork : nn.Module<Tensor, Tensor, Tensor>, IScaledNetwork, IComponent
{
    private readonly ScalarType precision;
    private readonly ResidualConvolutionTrunk trunk;
    private readonly Parameter? innovationFactor;

    /// <summary>Creates a network for one state, with weights that are drawn from a stream.</summary>
    /// <param name="options">The network's size.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">The stream the first weights are drawn from, on the network's device.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionNetwork(ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision,
        RandomStream random)
        : this(options, 1, null, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    /// <summary>Creates a network for an ensemble, with weights that are drawn from a stream.</summary>
    /// <param name="members">The number of members N_e, 2 to 4096.</param>
    /// <param name="options">The network's size.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">The stream the first weights are drawn from, on the network's device.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionNetwork(long members, ResidualConvolutionOptions options, AnalysisStatistics statistics,
        ScalarType precision, RandomStream random)
        : this(options, OfEnsemble(members), null, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    /// <summary>Creates a network for a state with hidden channels, with weights that are drawn from a stream.</summary>
    /// <param name="options">The network's size.</param>
    /// <param name="memory">The hidden channels.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">The stream the first weights are drawn from, on the network's device.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionNetwork(ResidualConvolutionOptions options, HiddenChannelOptions memory, AnalysisStatistics statistics,
        ScalarType precision, RandomStream random)
        : this(options, 1, memory, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    /// <summary>
    /// Creates a network with hidden channels that begins as one without: its increment is the other's whatever the channels hold, for
    /// it does not read them before training has found a use for them. What it writes into them is drawn from a stream.
    /// </summary>
    /// <param name="first">The trained network for one state; it stays as it is.</param>
    /// <param name="memory">The hidden channels.</param>
    /// <param name="random">The stream the weights that the other lacks are drawn from, on the network's device.</param>
    /// <exception cref="ArgumentException">A count out of its range, or a first network for another memory.</exception>
    public ResidualConvolutionNetwork(ResidualConvolutionNetwork first, HiddenChannelOptions memory, RandomStream random)
        : this(first.OfOneState().Options, memory, first.Statistics, first.precision, random)
    {
        trunk.BeginAs(first.trunk);
        using var noGradients = no_grad();
        innovationFactor?.copy_(first.innovationFactor!);
    }

    private ResidualConvolutionNetwork(ResidualConvolutionOptions options, long members, HiddenChannelOptions? memory,
        AnalysisStatistics statistics, ScalarType precision, Device device)
        : base(nameof(ResidualConvolutionNetwork))
    {
        (Options, Members, Memory, Statistics) = (options.Checked(), members, memory?.Checked(), statistics.Checked());
        this.precision = precision;
        long hidden = memory?.Count ?? 0, gates = memory?.Update == ChannelUpdate.Gated ? hidden : 0;
        trunk = new ResidualConvolutionTrunk(options, (options.Inputs == AnalysisInputs.InnovationOnly ? 1 : members + 1) + hidden,
            members + hidden + gates, precision, device);
        if (options.InnovationTerm == InnovationTerm.Trainable)
            innovationFactor = new Parameter(zeros([], dtype: precision, device: device));
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>The component type of a network for one state.</summary>
    public static ComponentType Type { get; } =
        new("residual-convolution-network", 3, reader => Load(reader, _ => 1, _ => null, bare: reader.Version == 1));

    /// <summary>The component type of a network for an ensemble.</summary>
    public static ComponentType EnsembleType { get; } =
        new("ensemble-convolution-network", 1, reader => Load(reader, saved => OfEnsemble(saved.Get<long>("members")), _ => null));

    /// <summary>The component type of a network for a state with hidden channels.</summary>
    public static ComponentType MemoryType { get; } =
        new("residual-convolution-memory-network", 1, reader => Load(reader, _ => 1, saved => saved.Get<HiddenChannelOptions>("memory")));

    ComponentType IComponent.ComponentType => Memory is not null ? MemoryType : Members > 1 ? EnsembleType : Type;

    /// <summary>The network's size.</summary>
    public ResidualConvolutionOptions Options { get; }

    /// <summary>The number of states it analyses together: the members N_e of an ensemble, or one.</summary>
    public long Members { get; }

    /// <summary>The hidden channels beside the state (null: none).</summary>
    public HiddenChannelOptions? Memory { get; }

    /// <summary>The constants by which inputs and increment are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>The way of computing it (default: as the options say).</summary>
    public NetworkComputation Computation
    {
        get => trunk.Computation;
        set => trunk.Computation = value;
    }

    /// <summary>The way it is computed on its device, in words.</summary>
    public string ComputationInUse => trunk.ComputationInUse;

    /// <summary>The layers of a network for one state, where they are computed in one fused piece; else null.</summary>
    internal FusedLayers? FusedLayers => Members == 1 && Memory is null ? trunk.FusedLayers : null;

    /// <summary>Whether batch normalisation takes the batch's own statistics, as in training.</summary>
    internal bool UsesOwnStatistics => trunk.UsesOwnStatistics;

    /// <summary>The factor of the innovation that is added to the increment (null: none).</summary>
    internal Parameter? InnovationFactor => innovationFactor;

    /// <summary>Computes the increment x_a - x_f and, where there are hidden channels, their new values h_a.</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c>; of an ensemble <c>[batch, members, n]</c>; with k hidden channels h_f
    /// <c>[batch, 1 + k, n]</c>, the state first.</param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), of an ensemble's mean, <c>[batch, n]</c></param>
    /// <returns>A tensor of the forecast's shape.</returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites in a periodic direction than a convolution reaches to one
    /// side.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        const long any = ColumnDefinition.AnySize;
        long k = Memory?.Count ?? 0;
        Require.Shape(forecast, k > 0 ? "The forecast with its hidden channels" : "The forecast",
            Members + k > 1 ? [any, Members + k, any] : [any, any]);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.size(0), forecast.size(-1));

        // [batch, states and innovation, n]
        var read = Statistics.Channels(Options.Inputs, k > 0 ? forecast.select(1, 0) : forecast, scaledInnovation);
        var hidden = k > 0 ? forecast.narrow(1, 1, k).contiguous() : null;
        var output = Options.Grid.ToState(trunk.call(Options.Grid.ToField(hidden is null ? read : cat([read, hidden], 1))));
        var increment = output.narrow(1, 0, Members);
        if (innovationFactor is not null) increment = increment + innovationFactor * read[.., ^1..];
        increment = increment / Statistics.InnovationDeviation;
        if (hidden is null) return increment.reshape(forecast.Sizes());
        var written = output.narrow(1, 1, k).tanh();
        // g h_f + (1 - g) tanh(proposal)
        if (Memory!.Update == ChannelUpdate.Gated) written = written.lerp(hidden, output.narrow(1, 1 + k, k).sigmoid());
        return cat([increment, written], 1);
    }

    /// <summary>Makes a network of its own with the same weights over another grid, for instance a larger plane.</summary>
    /// <param name="grid">The other grid, of as many directions.</param>
    /// <exception cref="ArgumentException">It has another number of directions.</exception>
    public ResidualConvolutionNetwork On(StateGrid grid)
    {
        if (grid.Directions != Options.Grid.Directions)
            throw new ArgumentException(
                $"Weights for {Options.Grid.Directions} directions ({Options.Grid}) do not fit a grid of {grid.Directions} ({grid}).",
                nameof(grid));
        var other = Copy(Options with { Grid = grid }, trunk.Device);
        other.train(training);
        return other;
    }

    internal ResidualConvolutionNetwork CopyOn(Device device) => Copy(Options, device);

    private ResidualConvolutionNetwork Copy(ResidualConvolutionOptions options, Device device) =>
        new ResidualConvolutionNetwork(options, Members, Memory, Statistics, precision, device).WithWeightsOf(this);

    private ResidualConvolutionNetwork OfOneState() => Members == 1 && Memory is null ? this
        : throw new ArgumentException("A network with hidden channels starts from a network for a single state without them; given: one " +
            (Memory is null ? $"for {Members} members." : $"with {Memory.Count} hidden channels."));

    private static long OfEnsemble(long members) => Require.Between(members, 2, 4096);

    void IComponent.Save(ComponentWriter writer)
    {
        if (Members > 1) writer.Set("members", Members);
        writer.Set("options", Options);
        if (Memory is not null) writer.Set("memory", Memory);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    // Bare: in an earlier version the layers were the network's own.
    private static ResidualConvolutionNetwork Load(ComponentReader reader, Func<ComponentReader, long> members,
        Func<ComponentReader, HiddenChannelOptions?> memory, bool bare = false)
    {
        var options = reader.Get<ResidualConvolutionOptions>("options").Checked();
        const string layers = nameof(trunk) + ".";
        ResidualConvolutionTrunk.RequireSaved(reader, options, bare ? "" : layers);
        var network = new ResidualConvolutionNetwork(options, members(reader), memory(reader),
            reader.Get<AnalysisStatistics>("statistics"), reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network, name => bare && name.StartsWith(layers, StringComparison.Ordinal) ? name[layers.Length..] : name);
        return network;
    }
}

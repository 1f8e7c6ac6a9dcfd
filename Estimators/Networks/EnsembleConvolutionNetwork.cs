using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The residual convolutional network over an ensemble (Bocquet et al. 2024, eq. 2 and appendix A): N_e members and the
/// innovation of their mean are the N_e + 1 input channels, the members' increments the N_e output channels.
/// </summary>
/// <remarks>
/// Members are channels, so their order matters to it and their number is fixed. The papers train it on the error of the mean
/// alone and find that the members become alike, so that one of them is as good as forty: the spread of what it gives need
/// not mean anything.
/// </remarks>
public sealed class EnsembleConvolutionNetwork : nn.Module<Tensor, Tensor, Tensor>, IScaledNetwork, IComponent
{
    private readonly ScalarType precision;
    private readonly ResidualConvolutionTrunk trunk;
    private readonly Parameter? innovationFactor;

    /// <summary>Creates a network with weights that are drawn from a stream.</summary>
    /// <param name="members">N_e, 2 to 4096.</param>
    /// <param name="options">Its size.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">Where its first weights are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public EnsembleConvolutionNetwork(long members, ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision,
        RandomStream random)
        : this(members, options, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    private EnsembleConvolutionNetwork(long members, ResidualConvolutionOptions options, AnalysisStatistics statistics,
        ScalarType precision, Device device)
        : base(nameof(EnsembleConvolutionNetwork))
    {
        Members = members is >= 2 and <= 4096 ? members
            : throw new ArgumentOutOfRangeException(nameof(members), members,
                $"'{nameof(members)}' must be between 2 and 4096; given: {members}.");
        Options = options.Checked();
        Statistics = statistics.Checked();
        this.precision = precision;
        trunk = new ResidualConvolutionTrunk(options, inputs: options.Inputs == AnalysisInputs.InnovationOnly ? 1
            : members + 1, outputs: members, precision, device);
        if (options.InnovationTerm == InnovationTerm.Trainable)
            innovationFactor = new Parameter(zeros([], dtype: precision, device: device));
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("ensemble-convolution-network", 1, Load);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>N_e.</summary>
    public long Members { get; }

    /// <summary>The network's size.</summary>
    public ResidualConvolutionOptions Options { get; }

    /// <summary>The constants by which inputs and increments are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>The increments E_a - E_f.</summary>
    /// <param name="forecast">E_f, <c>[batch, members, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f) of the mean x_f, <c>[batch, n]</c></param>
    /// <returns><c>[batch, members, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites in a periodic direction than a convolution reaches to one
    /// side.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, Members, ColumnDefinition.AnySize);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.size(0), forecast.size(2));

        var channels = Statistics.Channels(Options.Inputs, forecast, scaledInnovation);
        var increments = Options.Grid.ToState(trunk.call(Options.Grid.ToField(channels)));
        if (innovationFactor is not null) increments = increments + innovationFactor * channels[.., ^1..];
        return increments / Statistics.InnovationDeviation;
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("members", Members);
        writer.Set("options", Options);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    private static EnsembleConvolutionNetwork Load(ComponentReader reader)
    {
        var options = reader.Get<ResidualConvolutionOptions>("options").Checked();
        ResidualConvolutionTrunk.RequireSaved(reader, options, nameof(trunk) + ".");
        var network = new EnsembleConvolutionNetwork(reader.Get<long>("members"), options, reader.Get<AnalysisStatistics>("statistics"),
            reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network);
        return network;
    }
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The residual convolutional network a_theta of Bocquet et al. (2024, appendix A, fig. 4): a
/// <see cref="ResidualConvolutionTrunk"/> from the two channels (forecast, H^T R^-1 innovation), or from the latter alone,
/// to the one channel of the increment. Along periodic directions it commutes with translations; it runs on circles and
/// lines of any size, and with the same weights on other planes (<see cref="On"/>).
/// </summary>
/// <remarks>
/// The paper feeds raw numbers. Here the forecast is standardised and the innovation scaled by the constants of
/// <see cref="AnalysisStatistics"/>, and the increment scaled back by the latter: a change of units that makes training
/// indifferent to those of the data and more than twice as fast on Lorenz-96.
/// </remarks>
public sealed class ResidualConvolutionNetwork : nn.Module<Tensor, Tensor, Tensor>, IScaledNetwork, IComponent
{
    private readonly ScalarType precision;
    private readonly ResidualConvolutionTrunk trunk;
    private readonly Parameter? innovationFactor;

    /// <summary>Creates a network with weights that are drawn from a stream.</summary>
    /// <param name="options">Its size.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">Where its first weights are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionNetwork(ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision,
        RandomStream random)
        : this(options, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    private ResidualConvolutionNetwork(ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision,
        Device device)
        : base(nameof(ResidualConvolutionNetwork))
    {
        Options = options.Checked();
        Statistics = statistics.Checked();
        this.precision = precision;
        trunk = new ResidualConvolutionTrunk(options, inputs: options.Inputs == AnalysisInputs.InnovationOnly ? 1
            : 2, outputs: 1, precision, device);
        if (options.InnovationTerm == InnovationTerm.Trainable)
            innovationFactor = new Parameter(zeros([], dtype: precision, device: device));
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("residual-convolution-network", 3, Load);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The network's size.</summary>
    public ResidualConvolutionOptions Options { get; }

    /// <summary>The constants by which inputs and increment are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    internal ScalarType Precision => precision;

    internal ResidualConvolutionTrunk Trunk => trunk;

    internal Parameter? InnovationFactor => innovationFactor;

    /// <summary>How it is computed; what the options said unless changed.</summary>
    public NetworkComputation Computation
    {
        get => trunk.Computation;
        set => trunk.Computation = value;
    }

    /// <summary>Which way is in use on the network's device, in words.</summary>
    public string ComputationInUse => trunk.ComputationInUse;

    /// <summary>The increment x_a - x_f.</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <returns><c>[batch, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites in a periodic direction than a convolution reaches to one
    /// side.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.Sizes());

        // [batch, 1 or 2, n]
        var channels = Statistics.Channels(Options.Inputs, forecast, scaledInnovation);
        var increment = Options.Grid.ToState(trunk.call(Options.Grid.ToField(channels)));
        if (innovationFactor is not null) increment = increment + innovationFactor * channels[.., ^1..];
        return increment.squeeze(1) / Statistics.InnovationDeviation;
    }

    /// <summary>The same weights over another grid, for instance a larger plane: a network of its own.</summary>
    /// <param name="grid">The other grid, of as many directions.</param>
    /// <exception cref="ArgumentException">It has another number of directions.</exception>
    public ResidualConvolutionNetwork On(StateGrid grid)
    {
        if (grid.Directions != Options.Grid.Directions)
            throw new ArgumentException(
                $"Weights for {Options.Grid.Directions} directions ({Options.Grid}) do not fit a grid of {grid.Directions} ({grid}).",
                nameof(grid));
        var other = new ResidualConvolutionNetwork(Options with { Grid = grid }, Statistics, precision, trunk.Device).WithWeightsOf(this);
        other.train(training);
        return other;
    }

    internal ResidualConvolutionNetwork CopyOn(Device device) =>
        new ResidualConvolutionNetwork(Options, Statistics, precision, device).WithWeightsOf(this);

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("options", Options);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    private static ResidualConvolutionNetwork Load(ComponentReader reader)
    {
        var options = reader.Get<ResidualConvolutionOptions>("options").Checked();
        const string layers = nameof(trunk) + ".";
        bool bare = reader.Version == 1;   // the layers were the network's own
        ResidualConvolutionTrunk.RequireSaved(reader, options, bare ? "" : layers);
        var network = new ResidualConvolutionNetwork(options, reader.Get<AnalysisStatistics>("statistics"),
            reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network, name => bare && name.StartsWith(layers, StringComparison.Ordinal) ? name[layers.Length..] : name);
        return network;
    }
}

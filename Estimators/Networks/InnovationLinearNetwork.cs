using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The network that is linear in the innovation (Bocquet et al. 2025, section 3.1.2 and appendix B): the increment is
/// P^a(x_f) H^T R^-1 (y - H x_f), where P^a = rho o (X X^T) and the columns X, one output channel each, are given by a
/// <see cref="ResidualConvolutionTrunk"/> from the forecast alone. So it has learned a covariance for every state, which it
/// says (<see cref="Covariance"/>); no matrix of the state's size is ever formed.
/// </summary>
/// <remarks>
/// The forecast is standardised, and the columns are divided by sqrt(m), as an ensemble's anomalies are, and by
/// <see cref="AnalysisStatistics.InnovationDeviation"/>: then P^a begins at some tenths of R, for any m and any unit.
/// </remarks>
public sealed class InnovationLinearNetwork : nn.Module<Tensor, Tensor, Tensor>, IScaledNetwork, IComponent
{
    private readonly ScalarType precision;
    private readonly ResidualConvolutionTrunk trunk;
    private readonly LocalisationBand band;

    /// <summary>Creates a network with weights that are drawn from a stream.</summary>
    /// <param name="options">Its size and localisation.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">Where its first weights are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">An option out of its range, a taper that is no correlation, a deviation that is not above
    /// zero.</exception>
    public InnovationLinearNetwork(InnovationLinearOptions options, AnalysisStatistics statistics, ScalarType precision,
        RandomStream random)
        : this(options, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    private InnovationLinearNetwork(InnovationLinearOptions options, AnalysisStatistics statistics, ScalarType precision, Device device)
        : base(nameof(InnovationLinearNetwork))
    {
        Options = options.Checked();
        Statistics = statistics.Checked();
        this.precision = precision;
        band = new LocalisationBand(options.Network.Grid, options.Taper, options.Radius);
        trunk = new ResidualConvolutionTrunk(options.Network, inputs: 1, outputs: options.Columns, precision, device);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>The component type.</summary>
    public static ComponentType Type { get; } = new("innovation-linear-network", 1, Load);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The network's size and localisation.</summary>
    public InnovationLinearOptions Options { get; }

    /// <summary>The constants by which the forecast and the columns are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>
    /// P^a(x_f), the covariance of the analysis error that the network sees in the forecast, in the state's unit squared.
    /// </summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c>, in the network's precision.</param>
    /// <exception cref="ArgumentException">Another shape, or fewer sites than the localisation needs.</exception>
    public LocalisedCovariance Covariance(Tensor forecast)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        using var scope = NewDisposeScope();
        var input = ((forecast - Statistics.StateMean) / Statistics.StateDeviation).unsqueeze(1);
        var columns = trunk.call(Options.Network.Grid.ToField(input)) / (Statistics.InnovationDeviation * Math.Sqrt(Options.Columns));
        return new LocalisedCovariance(columns.MoveToOuterDisposeScope(), band);
    }

    /// <summary>The increment x_a - x_f = P^a(x_f) H^T R^-1 (y - H x_f).</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <returns><c>[batch, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites than the localisation needs.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.Sizes());
        using var scope = NewDisposeScope();
        return Covariance(forecast).Apply(scaledInnovation).MoveToOuterDisposeScope();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("network", Options.Network);
        writer.Set("columns", Options.Columns);
        writer.Part("taper", Options.Taper);
        writer.Set("radius", Options.Radius);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    private static InnovationLinearNetwork Load(ComponentReader reader)
    {
        var options = new InnovationLinearOptions
        {
            Network = reader.Get<ResidualConvolutionOptions>("network"), Columns = reader.Get<long>("columns"),
            Taper = reader.Part<LocalisationTaper>("taper"), Radius = reader.Get<LocalisationRadius>("radius"),
        }.Checked();
        ResidualConvolutionTrunk.RequireSaved(reader, options.Network, nameof(trunk) + ".");
        var network = new InnovationLinearNetwork(options, reader.Get<AnalysisStatistics>("statistics"),
            reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network);
        return network;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Any torch module over fields as the network of an analysis: it is given the standardised forecast and the scaled
/// innovation as channels <c>[batch, 2, grid...]</c> and gives the increment as one, <c>[batch, 1, grid...]</c>, in units in
/// which all three are of the order of one.
/// </summary>
[Component("field-network")]
public sealed class FieldNetwork : nn.Module<Tensor, Tensor, Tensor>, IScaledNetwork
{
    private readonly nn.Module<Tensor, Tensor> layers;

    /// <summary>Makes a network of a module.</summary>
    /// <param name="layers">The module; it belongs to the network from now on. To be saved it must be a component
    /// (<see cref="ComponentAttribute"/>).</param>
    /// <param name="statistics">The constants of the training data.</param>
    /// <param name="grid">How states lie on the module's fields.</param>
    /// <param name="inputs">The channels it is given, the forecast before the innovation (default: both).</param>
    /// <exception cref="ArgumentException">A deviation that is not above zero.</exception>
    public FieldNetwork(nn.Module<Tensor, Tensor> layers, AnalysisStatistics statistics, StateGrid grid,
        AnalysisInputs inputs = AnalysisInputs.ForecastAndInnovation)
        : base(nameof(FieldNetwork))
    {
        this.layers = layers;
        (Statistics, Grid, Inputs) = (statistics.Checked(), grid, inputs);
        RegisterComponents();
    }

    /// <summary>The constants by which inputs and increment are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>The grid on which states lie.</summary>
    public StateGrid Grid { get; }

    /// <summary>Which channels the module is given.</summary>
    public AnalysisInputs Inputs { get; }

    /// <summary>The increment x_a - x_f.</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <returns><c>[batch, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or a module that gives another shape than one channel of the grid.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.Sizes());
        var input = Grid.ToField(Statistics.Channels(Inputs, forecast, scaledInnovation));
        var increment = Require.Shape(layers.call(input), $"The output of {layers.GetName()} for a field",
            [input.size(0), 1, .. input.Sizes()[2..]]);
        return Grid.ToState(increment).squeeze(1) / Statistics.InnovationDeviation;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Propagates a state by the model, and each hidden channel as a perturbation of the state by the model's tangent linear: h -> tanh(M'(x)
/// h). For small h it is linear; the hyperbolic tangent bounds growth, site by site. The error of a stochastic model is not drawn.
/// </summary>
/// <param name="dynamics">The model.</param>
[Component("tangent-linear-channel-propagater")]
public sealed class TangentLinearChannelPropagater(IDynamics dynamics) : IPropagater<ProductMemory<StateMemory, VectorMemory>>
{
    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => $"{dynamics.Name} and its tangent linear";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The shape of the channels is not <c>[batch, channels, n]</c>.</exception>
    public ProductMemory<StateMemory, VectorMemory> Propagate(ProductMemory<StateMemory, VectorMemory> analysis, TimeInterval interval,
        RandomStream random)
    {
        using var scope = NewDisposeScope();
        Tensor state = analysis.First.State, channels = analysis.Second.Vector;
        Require.Shape(channels, "The hidden channels that the tangent linear propagates", state.size(0), ColumnDefinition.AnySize,
            state.size(1));
        var at = state.unsqueeze(1).expand(channels.Sizes()).contiguous();
        var carried = dynamics.TangentLinear(at, channels.to(state.dtype), interval).tanh();
        var forecast = dynamics.Advance(state, interval);
        scope.MoveToOuter(forecast, carried);
        return new(new(forecast), new(carried));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model that is a network: x(t + h) = u network(x(t) / u) with a unit u and any torch module. It is a dynamics like every other, so
/// every filter, smoother and diagnostic accepts it. Its tangent linear and adjoint follow by automatic differentiation, and gradients of
/// the network's weights flow through the method that it forecasts for.
/// </summary>
[Component("emulator", 2)]
public sealed class Emulator : DiscreteDynamics, IComponentState
{
    private readonly ScalarType precision;

    /// <summary>Makes a model of a network.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="network">The state one time step later, <c>[rows, n]</c> -> <c>[rows, n]</c>, in the given unit; each row by itself.
    /// It belongs to the model from then on. It computes in the precision of its weights; states keep theirs. To be saved it must be a
    /// component (<see cref="ComponentAttribute"/>).</param>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="timeStep">The time of one application.</param>
    /// <param name="unit">u, the unit of the network's input and output, in the state's own unit (default: 1, the state's own
    /// unit).</param>
    /// <exception cref="ArgumentException">The name is empty, or a number is not above zero.</exception>
    /// <exception cref="WrongConvolutionException">The network has convolutions, and libtorch's are wrong on this CPU.</exception>
    public Emulator(string name, nn.Module<Tensor, Tensor> network, long dimension, double timeStep, [Saved(Since = 2)] double unit = 1)
        : base(dimension, timeStep)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Unit = Require.Positive(unit);
        (Name, Network, precision) = (name, network, ModuleState.PrecisionOf(network, ScalarType.Float32));
        ModuleState.RequireRightConvolutions(network);
        ModuleTensors.Keep(network);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The network; it must not change once the model is in use.</summary>
    public nn.Module<Tensor, Tensor> Network { get; }

    /// <summary>u, the unit of the network's input and output.</summary>
    public double Unit { get; internal set; }

    /// <summary>The record of the training; null if it was not trained here.</summary>
    [Saved("hasHistory"), Inlined]
    public TrainingHistory? History { get; internal set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The output of the network has another shape than its input.</exception>
    protected override Tensor Step(Tensor state, double time)
    {
        var rows = (Unit == 1 ? state : state / Unit).reshape(-1, Dimension).to(precision);
        var next = Require.Shape(Network.call(rows), $"The output of the network of {Name} for states", rows.Sizes()).to(state.dtype)
            .reshape(state.Sizes());
        return Unit == 1 ? next : Unit * next;
    }

    void IComponentState.Load(ComponentReader reader) => ModuleState.Freeze(Network);
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model that is a network: x(t + h) = u network(x(t) / u) with a unit u, any torch module, as a dynamics like every other, so that every filter,
/// smoother and diagnostic takes it, its tangent linear and adjoint follow by automatic differentiation, and gradients of the
/// network's weights flow through whatever method it makes the forecasts of.
/// </summary>
public sealed class Emulator : DiscreteDynamics, IComponent
{
    private readonly ScalarType precision;

    /// <summary>Makes a model of a network.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="network">The state one time step later, <c>[rows, n]</c> -> <c>[rows, n]</c>, in the given unit; each row by itself. It
    /// belongs to the model from now on. It computes in the precision of its weights, states keep theirs. To be saved it must be an <see cref="IComponent"/>.</param>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="timeStep">The time that one application stands for.</param>
    /// <param name="unit">u, the unit in which the network sees states and gives them, in the state's own (default: 1, the state's own unit).</param>
    /// <exception cref="ArgumentException">An empty name, or a number that is not above zero.</exception>
    /// <exception cref="WrongConvolutionException">The network has convolutions, and libtorch's are wrong on this processor.</exception>
    public Emulator(string name, nn.Module<Tensor, Tensor> network, long dimension, double timeStep, double unit = 1) : base(dimension, timeStep)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Unit = Require.Positive(unit);
        (Name, Network, precision) = (name, network, ModuleState.PrecisionOf(network, ScalarType.Float32));
        ModuleState.RequireRightConvolutions(network);
        ModuleState.Keep(network);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("emulator", 2, reader =>
    {
        var network = reader.Part<nn.Module<Tensor, Tensor>>("network");
        ModuleState.Freeze(network);
        return new Emulator(reader.Get<string>("name"), network, reader.Get<long>("dimension"), reader.Get<double>("timeStep"),
            reader.Version == 1 ? 1 : reader.Get<double>("unit"))
        {
            ModelError = reader.OptionalPart<IErrorCovariance>("modelError"),
            History = reader.History(),
        };
    });

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The network; not to be changed once the model is in use.</summary>
    public nn.Module<Tensor, Tensor> Network { get; }

    /// <summary>u, the unit in which the network sees states and gives them.</summary>
    public double Unit { get; internal set; }

    /// <summary>How it was trained; null where it was not trained here.</summary>
    public TrainingHistory? History { get; internal set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The network gives another shape than it was given.</exception>
    protected override Tensor Step(Tensor state, double time)
    {
        var rows = (Unit == 1 ? state : state / Unit).reshape(-1, Dimension).to(precision);
        var next = Require.Shape(Network.call(rows), $"What the network of {Name} makes of states", rows.Sizes()).to(state.dtype).reshape(state.Sizes());
        return Unit == 1 ? next : Unit * next;
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("name", Name);
        writer.Set("dimension", Dimension);
        writer.Set("timeStep", TimeStep);
        writer.Set("unit", Unit);
        writer.Part("network", Network);
        writer.OptionalPart("modelError", ModelError);
        writer.History(History);
    }
}

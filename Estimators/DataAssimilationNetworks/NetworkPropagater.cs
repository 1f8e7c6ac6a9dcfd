using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A learned propagater b : H -> H (Boudier et al. eq. 3.1b, 5.4b): a <see cref="ReZeroNetwork"/> that propagates the memory over one
/// time step, applied as often as an interval has steps. Observations may therefore come at any of the steps' times, and predictions
/// without observations reach any horizon.
/// </summary>
[Component("network-propagater")]
public sealed class NetworkPropagater : nn.Module<Tensor, Tensor>, IPropagater<VectorMemory>, IComponentState
{
    private readonly ReZeroNetwork network;
    private readonly ScalarType precision;
    private readonly long memorySize, layers;

    /// <summary>
    /// Creates a propagater; the weights are libtorch's until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.
    /// </summary>
    /// <param name="memorySize">m, the size of H.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="timeStep">The time of one application, in the model's unit.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">A size is below one, or the time step is not above zero.</exception>
    public NetworkPropagater(long memorySize, long layers, double timeStep, ScalarType precision, Device device)
        : base(nameof(NetworkPropagater))
    {
        (this.memorySize, this.layers, this.precision) = (Require.AtLeast(memorySize, 1), layers, precision);
        TimeStep = Require.Positive(timeStep);
        network = new ReZeroNetwork(memorySize, memorySize, layers, precision, device);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public string Name => "network propagater";

    /// <summary>The time of one application, in the model's unit.</summary>
    public double TimeStep { get; }

    double? IPropagater<VectorMemory>.TimeStep => TimeStep;

    /// <summary>The layers.</summary>
    internal ReZeroNetwork Network => network;

    /// <summary>Computes the memory one time step later.</summary>
    /// <param name="memory"><c>[batch, m]</c></param>
    /// <returns><c>[batch, m]</c></returns>
    public override Tensor forward(Tensor memory) => network.call(memory);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The interval is not a whole number of time steps.</exception>
    public VectorMemory Propagate(VectorMemory analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var memory = Require.Shape(analysis.Vector, $"The memory of {Name}", ColumnDefinition.AnySize, memorySize);
        for (long step = interval.Steps(TimeStep); step > 0; step--) memory = call(memory);
        return new((ReferenceEquals(memory, analysis.Vector) ? memory.alias() : memory).MoveToOuterDisposeScope());
    }

    /// <summary>Makes a copy with the same weights, which can be trained further.</summary>
    internal NetworkPropagater Copy() =>
        new NetworkPropagater(memorySize, layers, TimeStep, precision, parameters().First().device).WithWeightsOf(this);

    void IComponentState.Load(ComponentReader reader) => ModuleState.Freeze(this);
}

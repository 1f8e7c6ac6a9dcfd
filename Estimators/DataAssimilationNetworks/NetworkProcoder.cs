using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A learned procoder c : H -> pdf over X (Boudier et al. eq. 3.1c, 5.6): a linear layer from the memory to the numbers of a
/// density, read in a <see cref="DensityForm"/> and in the state's units.
/// </summary>
[Component("network-procoder")]
public sealed class NetworkProcoder : nn.Module<Tensor, Tensor>, IProcoder<VectorMemory>, IComponentState
{
    private readonly Linear layer;
    private readonly ScalarType precision;
    private readonly long memorySize;
    private readonly ConstantTensor mean, deviation;
    private readonly double[] stateMean, stateDeviation;

    /// <summary>
    /// Creates a procoder; the weights are libtorch's until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.
    /// </summary>
    /// <param name="memorySize">m, the size of H.</param>
    /// <param name="form">What the numbers stand for.</param>
    /// <param name="stateMean">The densities' means are relative to it, <c>[n]</c>.</param>
    /// <param name="stateDeviation">Their units, <c>[n]</c>, above zero.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">Where it lives.</param>
    /// <exception cref="ArgumentException">A size below one, or constants that do not fit each other.</exception>
    public NetworkProcoder(long memorySize, DensityForm form, double[] stateMean, double[] stateDeviation, ScalarType precision,
        Device device)
        : base(nameof(NetworkProcoder))
    {
        if (stateMean.Length != stateDeviation.Length || stateMean.Length == 0)
            throw new ArgumentException(
                $"Mean and deviation of the states must be of one size, at least one; given: {stateMean.Length} and " +
                    $"{stateDeviation.Length}.");
        (this.memorySize, this.precision) = (Require.AtLeast(memorySize, 1), precision);
        (this.stateMean, this.stateDeviation) = (stateMean, stateDeviation);
        Form = form.Checked();
        mean = new ConstantTensor(tensor(stateMean));
        deviation = new ConstantTensor(tensor(stateDeviation));
        layer = nn.Linear(memorySize, form.Size(stateMean.Length), dtype: precision, device: device);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>What the numbers stand for.</summary>
    public DensityForm Form { get; }

    /// <summary>What the densities' means are relative to, <c>[n]</c>.</summary>
    internal double[] StateMean => stateMean;

    /// <summary>Their units, <c>[n]</c>.</summary>
    internal double[] StateDeviation => stateDeviation;

    /// <summary>Its only layer.</summary>
    internal Linear Layer => layer;

    /// <summary>The numbers of the density.</summary>
    /// <param name="memory"><c>[batch, m]</c></param>
    /// <returns><c>[batch, Form.Size(n)]</c></returns>
    public override Tensor forward(Tensor memory) => layer.call(memory);

    /// <inheritdoc/>
    public IDensity Decode(VectorMemory memory) =>
        Form.Read(call(memory.Vector), mean.On(precision, memory.Vector.device), deviation.On(precision, memory.Vector.device));

    /// <summary>Another one with the same weights, which can learn on.</summary>
    internal NetworkProcoder Copy() =>
        new NetworkProcoder(memorySize, Form, stateMean, stateDeviation, precision, parameters().First().device).WithWeightsOf(this);

    void IComponentState.Load(ComponentReader reader) => ModuleState.Freeze(this);
}

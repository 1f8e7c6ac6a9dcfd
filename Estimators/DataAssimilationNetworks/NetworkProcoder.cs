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
    /// <param name="form">The form of the density.</param>
    /// <param name="stateMean">The reference of the densities' means, <c>[n]</c>.</param>
    /// <param name="stateDeviation">Their units, <c>[n]</c>, above zero.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">A size is below one, or the constants do not match.</exception>
    public NetworkProcoder(long memorySize, DensityForm form, double[] stateMean, double[] stateDeviation, ScalarType precision,
        Device device)
        : base(nameof(NetworkProcoder))
    {
        if (stateMean.Length != stateDeviation.Length || stateMean.Length == 0)
            throw new ArgumentException(
                $"Mean and deviation of the states must have the same size, at least one; given: {stateMean.Length} and " +
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

    /// <summary>The form of the density.</summary>
    public DensityForm Form { get; }

    /// <summary>The reference of the densities' means, <c>[n]</c>.</summary>
    internal double[] StateMean => stateMean;

    /// <summary>Their units, <c>[n]</c>.</summary>
    internal double[] StateDeviation => stateDeviation;

    /// <summary>The only layer.</summary>
    internal Linear Layer => layer;

    /// <summary>Computes the numbers of the density.</summary>
    /// <param name="memory"><c>[batch, m]</c></param>
    /// <returns><c>[batch, Form.Size(n)]</c></returns>
    public override Tensor forward(Tensor memory) => layer.call(memory);

    /// <inheritdoc/>
    public IDensity Decode(VectorMemory memory) => Density(call(memory.Vector));

    /// <summary>The density of given numbers.</summary>
    internal IDensity Density(Tensor numbers) =>
        Form.Read(numbers, mean.On(precision, numbers.device), deviation.On(precision, numbers.device));

    /// <summary>Makes a copy with the same weights, which can be trained further.</summary>
    internal NetworkProcoder Copy() =>
        new NetworkProcoder(memorySize, Form, stateMean, stateDeviation, precision, parameters().First().device).WithWeightsOf(this);

    void IComponentState.Load(ComponentReader reader) => ModuleState.Freeze(this);
}

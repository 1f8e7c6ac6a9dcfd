using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Fully connected layers of one width with skips that start closed (Bachlechner et al. 2020), as in the transformations of Boudier et
/// al. eq. 5.4-5.5. Each layer but the last is
/// <code>output = input + alpha LeakyReLU(W input + b)</code>
/// with a trainable alpha that starts at zero, and the last is linear, to the width of the result.
/// </summary>
[Component("rezero-network")]
public sealed class ReZeroNetwork : nn.Module<Tensor, Tensor>
{
    private readonly long inputs, outputs, layerCount;
    private readonly ModuleList<Linear> layers = new();
    private readonly ParameterList alphas = new();
    private readonly Linear last;

    /// <summary>
    /// Creates a network; the weights are libtorch's until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.
    /// </summary>
    /// <param name="inputs">The width of the input and of all layers but the last.</param>
    /// <param name="outputs">The width of the result.</param>
    /// <param name="layerCount">The number of layers, the last included, at least 1.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">A count is below one.</exception>
    public ReZeroNetwork(long inputs, long outputs, [Saved("layers")] long layerCount, ScalarType precision, Device device)
        : base(nameof(ReZeroNetwork))
    {
        (this.inputs, this.outputs, this.layerCount) = (inputs, outputs, layerCount);
        Require.AtLeast(inputs, 1);
        Require.AtLeast(outputs, 1);
        Require.AtLeast(layerCount, 1);
        for (long i = 1; i < layerCount; i++)
        {
            layers.Add(nn.Linear(inputs, inputs, dtype: precision, device: device));
            alphas.Add(new Parameter(zeros([], dtype: precision, device: device)));
        }
        last = nn.Linear(inputs, outputs, dtype: precision, device: device);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>The last, linear layer.</summary>
    internal Linear Last => last;

    /// <summary>The number of layers with a skip.</summary>
    internal int Skips => layers.Count;

    /// <summary>The parameters in the order of <see cref="ReZeroLayers"/>.</summary>
    internal IEnumerable<Tensor> Ordered =>
        [.. layers.SelectMany(layer => new Tensor[] { layer.weight!, layer.bias! }), last.weight!, last.bias!, .. alphas];

    /// <summary>Computes the result.</summary>
    /// <param name="input"><c>[batch, inputs]</c></param>
    /// <returns><c>[batch, outputs]</c></returns>
    public override Tensor forward(Tensor input)
    {
        var hidden = input;
        for (int i = 0; i < layers.Count; i++) hidden = hidden + alphas[i] * nn.functional.leaky_relu(layers[i].call(hidden));
        return last.call(hidden);
    }

    private ScalarType Precision => ModuleState.PrecisionOf(last, ScalarType.Float32);
}

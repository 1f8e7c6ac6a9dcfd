using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The sizes of a residual convolutional network, which has two forms: fused, and by tensor operators.</summary>
/// <param name="Inputs">The number of input channels.</param>
/// <param name="Filters">The number of channels of the hidden layers.</param>
/// <param name="Blocks">The number of residual blocks.</param>
/// <param name="SubBlocks">The number of layers (convolution, batch normalisation, activation) in a block.</param>
/// <param name="Kernel">The number of sites that a convolution reads, odd.</param>
/// <param name="Outputs">The number of output channels.</param>
/// <param name="Activation">The function between the layers.</param>
internal readonly record struct FusedNetworkShape(int Inputs, int Filters, int Blocks, int SubBlocks, int Kernel, int Outputs,
    NetworkActivation Activation = NetworkActivation.Mish)
{
    /// <summary>The number of layers between encoder and decoder.</summary>
    public int Layers => Blocks * SubBlocks;

    /// <summary>The number of weights of a hidden convolution.</summary>
    public int LayerWeights => Filters * Filters * Kernel;

    /// <summary>Whether X_layer is at the end or beginning of a block, the sides of encoder and decoder included.</summary>
    public bool EndsBlock(int layer) => layer % SubBlocks == 0;

    /// <summary>The first layer of a layer's block.</summary>
    public int BlockStart(int layer) => layer - layer % SubBlocks;

    /// <summary>
    /// The parameters' shapes, in the order encoder weight, bias; for each layer weight, bias, gamma, beta; decoder weight, bias.
    /// </summary>
    public IReadOnlyList<long[]> ParameterShapes()
    {
        List<long[]> shapes = [[Filters, Inputs, Kernel], [Filters]];
        for (int layer = 0; layer < Layers; layer++) shapes.AddRange([[Filters, Filters, Kernel], [Filters], [Filters], [Filters]]);
        shapes.AddRange([[Outputs, Filters, Kernel], [Outputs]]);
        return shapes;
    }

    /// <summary>Runs the network by tensor operators: its structure, for any implementation of its convolutions and
    /// normalisations.</summary>
    /// <param name="input"><c>[batch, inputs, grid...]</c></param>
    /// <param name="convolve">Convolution 0 (the encoder), 1 to <see cref="Layers"/>, or <see cref="Layers"/> + 1 (the decoder) of a
    /// field.</param>
    /// <param name="normalise">The batch normalisation of a layer, applied to the product of its convolution.</param>
    /// <returns><c>[batch, outputs, grid...]</c></returns>
    public Tensor ByTensors(Tensor input, Func<int, Tensor, Tensor> convolve, Func<int, Tensor, Tensor> normalise)
    {
        var hidden = convolve(0, input);                                                      // [batch, N_f, grid...]
        for (int block = 0, layer = 0; block < Blocks; block++)
        {
            var skip = hidden;
            for (int sub = 0; sub < SubBlocks; sub++, layer++)
            {
                hidden = normalise(layer, convolve(layer + 1, hidden));
                if (Activation == NetworkActivation.Mish) hidden = nn.functional.mish(hidden);
            }
            hidden = hidden + skip;
        }
        return convolve(Layers + 1, hidden);
    }
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The sizes of a residual convolutional network, which has two forms: fused, and by tensor operators.</summary>
/// <param name="Inputs">Input channels.</param>
/// <param name="Filters">Channels of the hidden layers.</param>
/// <param name="Blocks">Residual blocks.</param>
/// <param name="SubBlocks">Layers (convolution, batch normalisation, activation) in a block.</param>
/// <param name="Kernel">Sites a convolution reads, odd.</param>
/// <param name="Outputs">Output channels.</param>
/// <param name="Activation">The function between the layers.</param>
internal readonly record struct FusedNetworkShape(int Inputs, int Filters, int Blocks, int SubBlocks, int Kernel, int Outputs,
    NetworkActivation Activation = NetworkActivation.Mish)
{
    /// <summary>Number of layers between encoder and decoder.</summary>
    public int Layers => Blocks * SubBlocks;

    /// <summary>Weights of a hidden convolution.</summary>
    public int LayerWeights => Filters * Filters * Kernel;

    /// <summary>Whether X_layer is where a block ends or begins, encoder's and decoder's sides included.</summary>
    public bool EndsBlock(int layer) => layer % SubBlocks == 0;

    /// <summary>The layer with which a layer's block begins.</summary>
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

    /// <summary>The network by tensor operators: its structure, whatever its convolutions and normalisations are made of.</summary>
    /// <param name="input"><c>[batch, inputs, grid...]</c></param>
    /// <param name="convolve">Convolution 0 (the encoder), 1 to <see cref="Layers"/>, or that and one (the decoder) of a field.</param>
    /// <param name="normalise">The batch normalisation of a layer of the product of its convolution.</param>
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

namespace DaML.Components;

/// <summary>
/// The weights of passes through the fused network: the parameters in memory and, where the hidden convolutions take the
/// <see cref="MinimalFilter"/>, their transformed weights, which each thread prepares a share of before the first pass.
/// </summary>
/// <param name="shape">The network's sizes.</param>
/// <param name="layout">The fields' layout.</param>
/// <param name="parameters">The addresses of the parameters, in the network's order; their memory stays alive meanwhile.</param>
/// <param name="transformed">Memory for the transformed weights (<see cref="Size"/>).</param>
internal sealed unsafe class FusedWeights(FusedNetworkShape shape, BlockedLayout layout, nint[] parameters, float* transformed)
{
    private readonly bool minimal = MinimalFilter.Serves(shape.Kernel, layout.Sites);

    /// <summary>The size of the transformed weights, in numbers.</summary>
    public static int Size(FusedNetworkShape shape, BlockedLayout layout) =>
        MinimalFilter.Serves(shape.Kernel, layout.Sites) ? shape.Layers * MinimalFilter.Size(shape.Filters, shape.Filters) : 0;

    /// <summary>The number of parameters.</summary>
    public int Count => parameters.Length;

    /// <summary>A parameter.</summary>
    public float* this[int parameter] => (float*)parameters[parameter];

    /// <summary>Prepares a share of the layers.</summary>
    public void Prepare(int share, int shares)
    {
        if (!minimal) return;
        for (int layer = share; layer < shape.Layers; layer += shares) Prepare(layer, this[FusedResidualNetwork.LayerParameter(layer)]);
    }

    /// <summary>Prepares a layer with weights of its own shape, [filters][filters][kernel].</summary>
    public void Prepare(int layer, float* weight)
    {
        if (minimal) MinimalFilter.Transform(weight, shape.Filters, shape.Filters, Transformed(layer));
    }

    /// <summary>Convolves with the prepared weights of a layer.</summary>
    /// <param name="kernel">The arithmetic.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="weight">The same weights, not transformed.</param>
    /// <param name="bias">[filters], or null for none.</param>
    /// <param name="input">The input with its halo.</param>
    /// <param name="output">The first inner site of the output.</param>
    /// <param name="outputRow">The distance from one channel of the output to the next, in numbers.</param>
    public void Convolve(BlockedKernel kernel, int layer, float* weight, float* bias, float* input, float* output, int outputRow)
    {
        if (minimal)
            kernel.ConvolveMinimal(input, layout.Row, Transformed(layer), bias, output, outputRow, shape.Filters, shape.Filters,
                layout.Sites);
        else
            kernel.Convolve(input, layout.Row, weight, bias, output, outputRow, shape.Filters, shape.Filters, layout.Sites, shape.Kernel);
    }

    private float* Transformed(int layer) => transformed + (long)layer * MinimalFilter.Size(shape.Filters, shape.Filters);
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A convolution over a <see cref="StateGrid"/> from any number of channels to any number, as large as it was. Its weights are zero until
/// they are drawn or read.
/// </summary>
internal sealed class GridConvolution : nn.Module<Tensor, Tensor>
{
    private readonly StateGrid grid;
    private readonly Parameter weight, bias;

    /// <summary>Creates a convolution.</summary>
    /// <param name="grid">What it runs over.</param>
    /// <param name="from">Input channels.</param>
    /// <param name="to">Output channels.</param>
    /// <param name="kernelSize">Sites it reads in each direction, odd.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">Where it lives.</param>
    public GridConvolution(StateGrid grid, long from, long to, long kernelSize, ScalarType precision, Device device)
        : base(nameof(GridConvolution))
    {
        this.grid = grid;
        weight = new Parameter(zeros([to, from, .. Enumerable.Repeat(kernelSize, grid.Directions)], dtype: precision, device: device));
        bias = new Parameter(zeros([to], dtype: precision, device: device));
        RegisterComponents();
    }

    /// <summary><c>[to, from, kernel...]</c></summary>
    public Parameter Weight => weight;

    /// <summary><c>[to]</c></summary>
    public Parameter Bias => bias;

    /// <summary><c>[batch, from, grid...]</c> to <c>[batch, to, grid...]</c></summary>
    public override Tensor forward(Tensor field) => grid.Convolve(field, weight, bias);
}

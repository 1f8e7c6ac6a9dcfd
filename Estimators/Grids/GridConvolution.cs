using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A convolution over a <see cref="StateGrid"/> from any number of channels to any number, with a result of the input's size. Its weights
/// are zero until they are drawn or read.
/// </summary>
internal sealed class GridConvolution : nn.Module<Tensor, Tensor>
{
    private readonly StateGrid grid;
    private readonly Parameter weight, bias;

    /// <summary>Creates a convolution.</summary>
    /// <param name="grid">The grid that it runs over.</param>
    /// <param name="from">The number of input channels.</param>
    /// <param name="to">The number of output channels.</param>
    /// <param name="kernelSize">The number of sites that it reads in each direction, odd.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device.</param>
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

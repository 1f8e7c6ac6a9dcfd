using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The size of a <see cref="UNet"/>.</summary>
public sealed record UNetOptions
{
    /// <summary>
    /// The number of features at the finest level and of the output, a multiple of <see cref="Heads"/>, up to 4096 (default: 32); twice
    /// as many at each coarser level.
    /// </summary>
    public long Features { get; init; } = 32;

    /// <summary>The number of halvings of the grid, 0 to 8 (default: 2). With 0 it is a plain convolutional network.</summary>
    public int Levels { get; init; } = 2;

    /// <summary>
    /// Whether the coarser levels of the contracting path attend to all of their points at once, by self-attention (default: true).
    /// </summary>
    public bool Attention { get; init; } = true;

    /// <summary>The number of heads of the attention, at least 1 (default: 4).</summary>
    public long Heads { get; init; } = 4;

    /// <summary>The number of points that a convolution reads in each direction, odd, up to 31 (default: 3).</summary>
    public long KernelSize { get; init; } = 3;

    internal UNetOptions Checked()
    {
        Require.AtLeast(Heads, 1);
        if (Features < 1 || Features > 4096 || Features % Heads != 0)
            throw new ArgumentOutOfRangeException(nameof(Features), Features,
                $"'{nameof(Features)}' must be a multiple of {nameof(Heads)} = {Heads} up to 4096; given: {Features}.");
        Require.Between(Levels, 0, 8);
        if (KernelSize is < 1 or > 31 || KernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(KernelSize), KernelSize,
                $"'{nameof(KernelSize)}' must be odd, between 1 and 31; given: {KernelSize}.");
        return this;
    }
}

/// <summary>
/// A U-Net (Ronneberger, Fischer and Brox 2015) in one or two directions, periodic or bounded. It has convolutions at each level, means
/// over two points in each direction on the contracting path, the nearest coarse value on the expanding path, and skip connections
/// between the two at each level. With attention the coarser levels of the contracting path are transformer layers (Trappler and Vidard,
/// section 3.2): self-attention over their points, each with a learned position vector.
/// </summary>
[Component("u-net")]
public sealed class UNet : nn.Module<Tensor, Tensor>
{
    private readonly StateGrid grid;
    private readonly long channels;
    private readonly long[] size;
    private readonly UNetOptions options;
    private readonly ScalarType precision;
    private readonly ModuleList<GridConvolution> down = new(), up = new();
    private readonly ModuleList<PointAttention> attention = new();

    /// <summary>Makes a network whose weights are zero until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.</summary>
    /// <param name="layout">The grid.</param>
    /// <param name="channels">The number of input channels.</param>
    /// <param name="options">The network's size (default: null, its defaults).</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device (default: null, the CPU).</param>
    /// <exception cref="ArgumentException">A setting is out of its range, or the grid has fewer points than the levels halve.</exception>
    public UNet(FieldLayout layout, long channels, UNetOptions? options = null, ScalarType precision = ScalarType.Float32,
        Device? device = null)
        : this(layout.Grid, layout.FieldSizes[1..], channels, options ?? new(), precision, device ?? CPU)
    {
    }

    [Saved]
    private UNet(StateGrid grid, long[] size, long channels, UNetOptions options, ScalarType precision, Device device) : base(nameof(UNet))
    {
        (this.grid, this.size, this.channels, this.options, this.precision) = (grid, size, Require.AtLeast(channels, 1), options.Checked(),
            precision);
        if (size.Min() < 1L << options.Levels)
            throw new ArgumentException(
                $"A U-Net of {options.Levels} levels needs at least {1L << options.Levels} points in each direction; the grid has " +
                    $"{ColumnDefinition.Describe(size)}.");
        long points = size.Aggregate(1L, (product, each) => product * each);
        for (int level = 0; level <= options.Levels; level++)
        {
            long width = Width(level);
            down.Add(Convolution(level == 0 ? channels : Width(level - 1), width));
            down.Add(Convolution(width, width));
            if (level == 0) continue;
            size = [.. size.Select(each => (each + 1) / 2)];
            points = size.Aggregate(1L, (product, each) => product * each);
            if (options.Attention) attention.Add(new PointAttention(width, options.Heads, points, precision, device));
            up.Add(Convolution(width + Width(level - 1), Width(level - 1)));
            up.Add(Convolution(Width(level - 1), Width(level - 1)));
        }
        RegisterComponents();
        ModuleTensors.Keep(this);

        GridConvolution Convolution(long from, long to) => new(grid, from, to, options.KernelSize, precision, device);
    }

    /// <summary>The network's size.</summary>
    public UNetOptions Options => options;

    /// <summary><c>[batch, channels, grid...]</c> to <c>[batch, features, grid...]</c></summary>
    /// <exception cref="ArgumentException">The fields have another size than the network was made for.</exception>
    public override Tensor forward(Tensor fields)
    {
        Require.Shape(fields, "A U-Net's input", [fields.size(0), channels, .. size]);
        var kept = new List<Tensor>();
        var x = fields;
        for (int level = 0; level <= options.Levels; level++)
        {
            if (level > 0) x = Halved(x);
            x = nn.functional.gelu(down[2 * level].call(x));
            x = x + nn.functional.gelu(down[2 * level + 1].call(x));
            if (level > 0 && options.Attention) x = attention[level - 1].call(x);
            kept.Add(x);
        }
        for (int level = options.Levels; level > 0; level--)
        {
            var fine = kept[level - 1];
            x = nn.functional.gelu(up[2 * level - 2].call(cat([Doubled(x, fine), fine], 1)));
            x = x + nn.functional.gelu(up[2 * level - 1].call(x));
        }
        return x;
    }

    private long Width(int level) => options.Features << level;

    private Tensor Halved(Tensor x) => grid.Directions == 1
        ? nn.functional.avg_pool1d(x, 2, 2, ceil_mode: true, count_include_pad: false)
        : nn.functional.avg_pool2d(x, 2, 2, ceil_mode: true, count_include_pad: false);

    private static Tensor Doubled(Tensor x, Tensor fine)
    {
        for (int axis = 2; axis < x.ndim; axis++) x = x.repeat_interleave(2, axis).narrow(axis, 0, fine.size(axis));
        return x;
    }
}

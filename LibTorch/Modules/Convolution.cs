using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

/// <summary>What convolutions have in common: the weight [out, in / groups, kernel...], the bias [out], and how the border is padded.</summary>
public abstract class Convolution : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = nameof(weight))]
    protected Parameter? _weight;

    [ComponentName(Name = nameof(bias))]
    protected Parameter? _bias;

    protected long[] _reversed_padding_repeated_twice = [];
    protected long input_channels;

    protected Convolution(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device = null, ScalarType? dtype = null)
        : base(name)
    {
        if (groups < 1 || in_channels % groups != 0) throw new ArgumentException($"in_channels ({in_channels}) must be divisible by groups ({groups})");
        if (out_channels % groups != 0) throw new ArgumentException($"out_channels ({out_channels}) must be divisible by groups ({groups})");
        if (transposed && padding_mode != PaddingModes.Zeros) throw new ArgumentException("Only PaddingModes.Zeros is supported for ConvTransposeND", nameof(padding_mode));
        (input_channels, this.in_channels, this.out_channels) = (in_channels, in_channels, out_channels);
        (this.kernel_size, this.stride, this.dilation, this.output_padding) = (kernel_size, stride, dilation, output_padding);
        (this.transposed, this.groups, this.padding_mode) = (transposed, groups, padding_mode);
        if (padding_type is { } type) SetPadding(type);
        else SetPadding(padding ?? new long[kernel_size.Length]);
        long[] channels = transposed ? [in_channels, out_channels / groups] : [out_channels, in_channels / groups];
        weight = nn.Parameter(empty([.. channels, .. kernel_size], dtype: dtype, device: device));
        if (bias) this.bias = nn.Parameter(empty([out_channels], dtype: dtype, device: device));
        reset_parameters();
    }

    public Parameter? bias
    {
        get => _bias;
        set => ConditionallyRegisterParameter(nameof(bias), _bias = Owned.Replace(_bias, value));
    }

    public Parameter weight
    {
        get => _weight!;
        set => ConditionallyRegisterParameter(nameof(weight), _weight = Owned.Replace(_weight, value));
    }

    public long in_channels { get; }
    public long out_channels { get; }
    public bool transposed { get; }
    public Padding? padding_type { get; private set; }
    public long[]? padding { get; private set; }
    public PaddingModes padding_mode { get; set; }
    public long groups { get; set; }
    public long[] kernel_size { get; set; }
    public long[] stride { get; set; }
    public long[] dilation { get; set; }
    public long[] output_padding { get; set; }

    public void SetPadding(long[] padding)
    {
        (padding_type, this.padding) = (null, padding);
        _reversed_padding_repeated_twice = [.. padding.Reverse().SelectMany(p => new[] { p, p })];
    }

    public void SetPadding(Padding padding)
    {
        if (transposed) throw new ArgumentException("Cannot set padding type on ConvTransposeND");
        (padding_type, this.padding) = (padding, null);
        _reversed_padding_repeated_twice = new long[2 * kernel_size.Length];
        if (padding != Padding.Same) return;
        if (stride.Any(s => s != 1)) throw new ArgumentException("padding='same' is not supported for strided convolutions");
        for (var i = 0; i < kernel_size.Length; i++)
        {
            var total = dilation[i] * (kernel_size[i] - 1);
            var last = kernel_size.Length - 1 - i;
            _reversed_padding_repeated_twice[2 * last] = total / 2;
            _reversed_padding_repeated_twice[2 * last + 1] = total - total / 2;
        }
    }

    /// <summary>Draws weight and bias anew, as when the layer was made.</summary>
    public void reset_parameters() => DefaultWeights.Draw(_weight!, _bias);

    protected bool ValidateShape(Tensor input, long dimensions)
    {
        var shape = input.shape;
        return (shape.Length == dimensions + 2 && shape[1] == in_channels) || (shape.Length == dimensions + 1 && shape[0] == in_channels);
    }

    private protected void Check(Tensor input, int dimensions)
    {
        if (ValidateShape(input, dimensions)) return;
        var space = dimensions == 1 ? "L" : dimensions == 2 ? "H, W" : "D, H, W";
        throw new ArgumentException(
            $"{GetName()} needs [N, {in_channels}, {space}] or [{in_channels}, {space}], was given [{string.Join(", ", input.shape)}].");
    }

    /// <summary>The input widened as <see cref="padding_mode"/> says, or null where the convolution itself pads with zeros.</summary>
    private protected Tensor? PaddedInput(Tensor input) =>
        padding_mode is PaddingModes.Zeros ? null : nn.functional.pad(input, _reversed_padding_repeated_twice, padding_mode);
}

/// <summary>What transposed convolutions have in common; the weight is [in, out / groups, kernel...].</summary>
public abstract class ConvolutionTranspose : Convolution
{
    protected ConvolutionTranspose(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device = null, ScalarType? dtype = null)
        : base(name, in_channels, out_channels, kernel_size, stride, padding, padding_type, dilation, transposed, output_padding, groups, bias, padding_mode, device, dtype)
    {
    }

    /// <summary>The output padding that gives <paramref name="output_size"/>, or the layer's own where no size is asked for.</summary>
    protected long[] _output_padding(Tensor input, long[]? output_size, long[] kernel_size, long[] stride, long[] padding, long[] dilation, long num_spatial_dims)
    {
        if (output_size is null) return output_padding;
        var n = (int)num_spatial_dims;
        if (output_size.Length == input.dim()) output_size = output_size[^n..];
        if (output_size.Length != n) throw new ArgumentException($"output_size must have {n} or {input.dim()} elements (got {output_size.Length})");
        var result = new long[n];
        var shape = input.shape;
        for (var d = 0; d < n; d++)
        {
            var smallest = (shape[shape.Length - n + d] - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel_size[d] - 1) + 1;
            result[d] = output_size[d] - smallest;
            if (result[d] < 0 || result[d] >= stride[d])
            {
                throw new ArgumentException($"output_size[{d}] is {output_size[d]}; it can be {smallest} to {smallest + stride[d] - 1}.");
            }
        }
        return result;
    }

    public override Tensor forward(Tensor input) => forward(input, null);
    public abstract Tensor forward(Tensor input, long[]? output_size);
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The layers that the networks on a circle of sites share (Bocquet et al. 2024, appendix A, fig. 4): a convolution from
/// the input channels to N_f filters, N_b blocks of N_sb times (convolution, batch normalisation, mish) with a skip around
/// each block, and a convolution to the output channels. It has no site of its own, so it commutes with translations and
/// runs on circles of any size. On the processor in single precision it is computed in one fused piece
/// (<see cref="NetworkComputation"/>).
/// </summary>
public sealed class ResidualConvolutionTrunk : nn.Module<Tensor, Tensor>
{
    private readonly ResidualConvolutionOptions options;
    private readonly ScalarType precision;
    private readonly Conv1d encoder, decoder;
    private readonly ModuleList<Conv1d> convolutions = new();
    private readonly ModuleList<BatchNorm1d> normalizations = new();
    private readonly FusedResidualNetwork fused;

    /// <summary>Creates the layers; the weights are libtorch's until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.</summary>
    /// <param name="options">The size.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">Where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel.</exception>
    public ResidualConvolutionTrunk(ResidualConvolutionOptions options, long inputs, long outputs, ScalarType precision, Device device)
        : base(nameof(ResidualConvolutionTrunk))
    {
        this.options = options.Checked();
        this.precision = precision;
        Require.AtLeast(inputs, 1);
        Require.AtLeast(outputs, 1);
        Computation = options.Computation;
        long filters = options.Filters, kernel = options.KernelSize, reach = kernel / 2;
        Conv1d Circular(long from, long to) =>
            nn.Conv1d(from, to, kernel, padding: reach, padding_mode: PaddingModes.Circular, dtype: precision, device: device);
        encoder = Circular(inputs, filters);
        decoder = Circular(filters, outputs);
        for (long i = 0; i < options.Blocks * options.SubBlocks; i++)
        {
            convolutions.Add(Circular(filters, filters));
            normalizations.Add(nn.BatchNorm1d(filters, dtype: precision, device: device));
        }
        fused = new FusedResidualNetwork(new((int)inputs, (int)filters, (int)options.Blocks, (int)options.SubBlocks, (int)kernel, (int)outputs), BlockedKernel.Best);
        RegisterComponents();
        ModuleState.Keep(this);
    }

    /// <summary>How it is computed; what the options said unless changed.</summary>
    public NetworkComputation Computation { get; set; }

    /// <summary>Which way is in use on its device, in words.</summary>
    public string ComputationInUse =>
        Computation == NetworkComputation.Plain ? "plain operators, as asked"
        : precision != ScalarType.Float32 ? "plain operators: the fused network is in single precision"
        : encoder.weight.device_type != DeviceType.CPU ? $"plain operators: the fused network runs on the processor, the weights are on {encoder.weight.device}"
        : $"fused, {fused.Instructions}";

    /// <summary>The output channels.</summary>
    /// <param name="input"><c>[batch, inputs, n]</c></param>
    /// <returns><c>[batch, outputs, n]</c></returns>
    /// <exception cref="ArgumentException">Another number of channels, or fewer sites than a convolution reaches to one side.</exception>
    public override Tensor forward(Tensor input)
    {
        Require.Shape(input, "The input", ColumnDefinition.AnySize, encoder.weight.shape[1], ColumnDefinition.AnySize);
        if (input.shape[2] < options.KernelSize / 2)
            throw new ArgumentException($"A kernel of {options.KernelSize} sites needs at least {options.KernelSize / 2} sites; the state has {input.shape[2]}.");
        return Computation == NetworkComputation.Automatic && FusedServes(input) ? Fused(input) : Plain(input);
    }

    private Tensor Plain(Tensor input)
    {
        var hidden = encoder.call(input);                                                                                     // [batch, N_f, n]
        int layer = 0;
        for (long block = 0; block < options.Blocks; block++)
        {
            var skip = hidden;
            for (long sub = 0; sub < options.SubBlocks; sub++, layer++)
                hidden = nn.functional.mish(normalizations[layer].call(convolutions[layer].call(hidden)));
            hidden = hidden + skip;
        }
        return decoder.call(hidden);
    }

    private Tensor Fused(Tensor input)
    {
        List<Tensor> parameters = [encoder.weight, encoder.bias!];
        var running = new List<(Tensor, Tensor)>();
        for (int layer = 0; layer < convolutions.Count; layer++)
        {
            var normalization = normalizations[layer];
            parameters.AddRange([convolutions[layer].weight, convolutions[layer].bias!, normalization.weight!, normalization.bias!]);
            running.Add((normalization.running_mean!, normalization.running_var!));
            if (!training) continue;
            using var unrecorded = no_grad();
            normalization.num_batches_tracked!.add_(1);
        }
        parameters.AddRange([decoder.weight, decoder.bias!]);
        if (is_grad_enabled() && (input.requires_grad || parameters.Any(parameter => parameter.requires_grad)))
            return FusedResidualFunction.Apply(fused, running, training, input, parameters);
        using var contiguous = input.contiguous();
        var (product, tape) = fused.Forward(contiguous, parameters, running, training, keeps: false);
        fused.Release(tape);
        return product;
    }

    // The processor's memory, single precision, more than one number to take statistics of, and no tangents to carry along.
    private static bool FusedServes(Tensor input)
    {
#if DAML_LIBTORCH
        if (LibTorch.ForwardMode.IsActive) return false;
#endif
        return input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32 && input.shape[0] * input.shape[2] > 1;
    }
}

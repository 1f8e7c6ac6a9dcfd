using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The layers that the networks on a grid share (Bocquet et al. 2024, appendix A, fig. 4): a convolution from the input
/// channels to N_f filters, N_b blocks of N_sb times (convolution, batch normalisation, mish) with a skip around each
/// block, and a convolution to the output channels. It has no site of its own, so along periodic directions it commutes
/// with translations, and it runs on grids of any size. On a circle, on the processor and in single precision it is
/// computed in one fused piece (<see cref="NetworkComputation"/>).
/// </summary>
public sealed class ResidualConvolutionTrunk : nn.Module<Tensor, Tensor>
{
    private static readonly Scalar One = 1;

    private readonly ResidualConvolutionOptions options;
    private readonly ScalarType precision;
    private readonly GridConvolution encoder, decoder;
    private readonly ModuleList<GridConvolution> convolutions = new();
    private readonly ModuleList<BatchNorm1d> normalizations = new();
    private readonly FusedResidualNetwork fused;
    private Tensor? packed;    // the parameters in a graph that is being made (Pack)

    /// <summary>
    /// Creates the layers; the convolutions' weights are zero until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.
    /// </summary>
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
        long filters = options.Filters, kernel = options.KernelSize;
        GridConvolution Convolution(long from, long to) => new(options.Grid, from, to, kernel, precision, device);
        encoder = Convolution(inputs, filters);
        decoder = Convolution(filters, outputs);
        for (long i = 0; i < options.Blocks * options.SubBlocks; i++)
        {
            convolutions.Add(Convolution(filters, filters));
            // Made and then converted: TorchSharp gives one that is made in a precision a batch counter of that precision too.
            normalizations.Add(nn.BatchNorm1d(filters).to(device, precision));
        }
        fused = new FusedResidualNetwork(
            new((int)inputs, (int)filters, (int)options.Blocks, (int)options.SubBlocks, (int)kernel, (int)outputs, options.Activation),
            BlockedKernel.Best);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <summary>
    /// Takes over the layers of another trunk of the same filters that has fewer channels: input channels that the other has not
    /// are not read yet, and output channels that it has not stay as they are. The first output channels are then the other's.
    /// </summary>
    internal void BeginAs(ResidualConvolutionTrunk other)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        encoder.Weight.zero_();
        encoder.Weight.narrow(1, 0, other.encoder.Weight.size(1)).copy_(other.encoder.Weight);
        encoder.Bias.copy_(other.encoder.Bias);
        ModuleState.Restore(convolutions, other.convolutions.state_dict());
        ModuleState.Restore(normalizations, other.normalizations.state_dict());
        decoder.Weight.narrow(0, 0, other.decoder.Weight.size(0)).copy_(other.decoder.Weight);
        decoder.Bias.narrow(0, 0, other.decoder.Bias.size(0)).copy_(other.decoder.Bias);
    }

    /// <summary>The way of computing it (default: as the options say).</summary>
    public NetworkComputation Computation { get; set; }

    /// <summary>The device of its weights.</summary>
    public Device Device => encoder.Weight.device;

    /// <summary>Which way is in use on its device, in words.</summary>
    public string ComputationInUse =>
        Computation == NetworkComputation.Plain ? "plain operators, as asked"
        : Computation == NetworkComputation.BFloat16 ? "plain operators, hidden convolutions in bfloat16, as asked"
        : options.Grid != StateGrid.Circle ? $"plain operators: the fused network runs on circles, this grid is a {options.Grid}"
        : precision != ScalarType.Float32 ? "plain operators: the fused network is in single precision"
        : encoder.Weight.device_type != DeviceType.CPU
        ? $"plain operators: the fused network runs on the processor, the weights are on {encoder.Weight.device}"
        : $"fused, {fused.Instructions}";

    /// <summary>The output channels.</summary>
    /// <param name="input"><c>[batch, inputs, n]</c>, or <c>[batch, inputs, rows, columns]</c> on a grid of two directions.</param>
    /// <returns>As many sites, <c>[batch, outputs, ...]</c></returns>
    /// <exception cref="ArgumentException">Another number of channels, or fewer sites in a periodic direction than a convolution reaches to
    /// one side.</exception>
    public override Tensor forward(Tensor input)
    {
        Require.Shape(input, "The input",
            [ColumnDefinition.AnySize, encoder.Weight.size(1), .. Enumerable.Repeat(ColumnDefinition.AnySize, options.Grid.Directions)]);
        options.Grid.RequireSites(input, options.KernelSize);
        return Computation == NetworkComputation.Automatic && FusedServes(input) ? Fused(input) : Plain(input);
    }

    private Tensor Plain(Tensor input) => fused.Shape.ByTensors(input,
        (number, field) => number == 0 ? encoder.call(field)
            : number <= convolutions.Count ? Product(convolutions[number - 1], field) : decoder.call(field),
        (layer, product) => normalizations[layer].call(product.flatten(2)).view_as(product));     // statistics over batch and all sites

    private Tensor Product(GridConvolution convolution, Tensor hidden) =>
        Computation != NetworkComputation.BFloat16 ? convolution.call(hidden)
        : options.Grid.Convolve(hidden.to(ScalarType.BFloat16), convolution.Weight.to(ScalarType.BFloat16),
            convolution.Bias.to(ScalarType.BFloat16)).to(precision);

    private Tensor Fused(Tensor input)
    {
        bool ownStatistics = UsesOwnStatistics;
        var running = RunningStatistics();
        if (ownStatistics) foreach (var normalization in normalizations) normalization.num_batches_tracked!.add_(One);   // no gradient
        var parameters = FusedParameters();
        if (is_grad_enabled() && (input.requires_grad || parameters.Any(parameter => parameter.requires_grad)))
            return FusedResidualFunction.Apply(fused, running, ownStatistics, input, packed ?? FusedResidualNetwork.Packed(parameters));
        using var contiguous = input.contiguous();
        var (product, tape) = fused.Forward(contiguous, FusedResidualNetwork.Addresses(parameters), running, ownStatistics, keeps: false);
        fused.Release(tape);
        return product;
    }

    /// <summary>
    /// Packs the parameters once for all passes of a graph until <see cref="Unpack"/>, so that their gradients meet in one
    /// tensor before they go back to each. The parameters must not change meanwhile.
    /// </summary>
    internal void Pack()
    {
        if (Computation == NetworkComputation.Automatic && ServesFused) packed = FusedResidualNetwork.Packed(FusedParameters());
    }

    /// <summary>Ends what <see cref="Pack"/> began; the graph stays.</summary>
    internal void Unpack() => packed = null;

    /// <summary>What a computation of its own over the layers needs; null where the network is not computed in one fused piece.</summary>
    internal FusedLayers? FusedLayers => Computation == NetworkComputation.Automatic && ServesFused
        ? new(fused, FusedParameters(), RunningStatistics(), [.. normalizations.Select(layer => layer.num_batches_tracked!)]) : null;

    /// <summary>Whether batch normalisation takes the batch's own statistics, as in training.</summary>
    internal bool UsesOwnStatistics => normalizations[0].training;   // they change together (ModuleState.Train)

    private List<(Tensor Mean, Tensor Variance)> RunningStatistics() =>
        [.. normalizations.Select(layer => (layer.running_mean!, layer.running_var!))];

    // In the fused network's order.
    private List<Tensor> FusedParameters()
    {
        var parameters = new List<Tensor>(4 * convolutions.Count + 4) { encoder.Weight, encoder.Bias };
        for (int layer = 0; layer < convolutions.Count; layer++)
            parameters.AddRange(
                [convolutions[layer].Weight, convolutions[layer].Bias, normalizations[layer].weight!, normalizations[layer].bias!]);
        parameters.AddRange([decoder.Weight, decoder.Bias]);
        return parameters;
    }

    /// <summary>Sees that a file holds convolutions of the sizes it declares, before these are allocated.</summary>
    /// <param name="reader">The component that the layers belong to.</param>
    /// <param name="options">What the file declares.</param>
    /// <param name="prefix">What stands before the layers' names in the component.</param>
    /// <exception cref="ModelArchiveException">A tensor is missing.</exception>
    /// <exception cref="ArgumentException">A tensor has another shape.</exception>
    internal static void RequireSaved(ComponentReader reader, ResidualConvolutionOptions options, string prefix)
    {
        long[] shape = [options.Filters, options.Filters, .. Enumerable.Repeat(options.KernelSize, options.Grid.Directions)];
        for (long i = options.Blocks * options.SubBlocks - 1; i >= 0; i--)
        {
            using var weight = reader.Tensor($"{prefix}{nameof(convolutions)}.{i}.weight");
            Require.Shape(weight, $"The weight of convolution {i}", shape);
        }
    }

    // A circle, the processor's memory, single precision, and more than one number to take statistics of.
    private bool FusedServes(Tensor input) =>
        ServesFused && KernelMemory.Holds(encoder.Weight, input) && input.size(0) * input.size(2) > 1;

    private bool ServesFused => options.Grid == StateGrid.Circle && precision == ScalarType.Float32 && KernelMemory.Holds(encoder.Weight);
}

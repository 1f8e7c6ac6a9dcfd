using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The residual convolutional network a_theta of Bocquet et al. (2024, appendix A, fig. 4) on a circle of sites: a
/// convolution from the two channels (forecast, H^T R^-1 innovation) to N_f, N_b blocks of N_sb times (convolution,
/// batch normalisation, mish) with a skip around each block, and a convolution to the one channel of the increment. It
/// has no site of its own, so it commutes with translations and runs on circles of any size.
/// </summary>
/// <remarks>
/// The paper feeds raw numbers. Here the forecast is standardised and the innovation scaled by the constants of
/// <see cref="AnalysisStatistics"/>, and the increment scaled back by the latter: a change of units that makes training
/// indifferent to those of the data and more than twice as fast on Lorenz-96.
/// On the processor in single precision it is computed in one fused piece (<see cref="NetworkComputation"/>).
/// </remarks>
public sealed class ResidualConvolutionNetwork : nn.Module<Tensor, Tensor, Tensor>, IComponent
{
    private readonly ScalarType precision;
    private readonly Conv1d encoder, decoder;
    private readonly ModuleList<Conv1d> convolutions = new();
    private readonly ModuleList<BatchNorm1d> normalizations = new();
    private readonly Parameter? innovationFactor;
    private readonly FusedResidualNetwork fused;

    /// <summary>Creates a network with weights that are drawn from a stream.</summary>
    /// <param name="options">Its size.</param>
    /// <param name="statistics">The constants of its training data.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">Where its first weights are drawn from, and where it lives.</param>
    /// <exception cref="ArgumentException">A count out of its range, an even kernel, a deviation that is not above zero.</exception>
    public ResidualConvolutionNetwork(ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision, RandomStream random)
        : this(options, statistics, precision, random.Device) => ModuleState.DrawWeights(this, random);

    private ResidualConvolutionNetwork(ResidualConvolutionOptions options, AnalysisStatistics statistics, ScalarType precision, Device device)
        : base(nameof(ResidualConvolutionNetwork))
    {
        Options = options.Checked();
        Computation = options.Computation;
        Statistics = statistics;
        Require.Positive(statistics.StateDeviation);
        Require.Positive(statistics.InnovationDeviation);
        this.precision = precision;
        long filters = options.Filters, kernel = options.KernelSize, reach = kernel / 2;
        Conv1d Circular(long from, long to) =>
            nn.Conv1d(from, to, kernel, padding: reach, padding_mode: PaddingModes.Circular, dtype: precision, device: device);
        encoder = Circular(2, filters);
        decoder = Circular(filters, 1);
        for (long i = 0; i < options.Blocks * options.SubBlocks; i++)
        {
            convolutions.Add(Circular(filters, filters));
            normalizations.Add(nn.BatchNorm1d(filters, dtype: precision, device: device));
        }
        if (options.InnovationTerm == InnovationTerm.Trainable) innovationFactor = new Parameter(zeros([], dtype: precision, device: device));
        fused = new FusedResidualNetwork(new(2, (int)filters, (int)options.Blocks, (int)options.SubBlocks, (int)kernel), BlockedKernel.Best);
        RegisterComponents();
        ModuleState.Keep(this);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("residual-convolution-network", 1, Load);

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The network's size.</summary>
    public ResidualConvolutionOptions Options { get; }

    /// <summary>The constants by which inputs and increment are scaled.</summary>
    public AnalysisStatistics Statistics { get; }

    /// <summary>How it is computed; what the options said unless changed.</summary>
    public NetworkComputation Computation { get; set; }

    /// <summary>Which way is in use on the network's device, in words.</summary>
    public string ComputationInUse =>
        Computation == NetworkComputation.Plain ? "plain operators, as asked"
        : precision != ScalarType.Float32 ? "plain operators: the fused network is in single precision"
        : encoder.weight.device_type != DeviceType.CPU ? $"plain operators: the fused network runs on the processor, the weights are on {encoder.weight.device}"
        : $"fused, {fused.Instructions}";

    /// <summary>The increment x_a - x_f.</summary>
    /// <param name="forecast">x_f, <c>[batch, n]</c></param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <returns><c>[batch, n]</c></returns>
    /// <exception cref="ArgumentException">Other shapes, or fewer sites than a convolution reaches to one side.</exception>
    public override Tensor forward(Tensor forecast, Tensor scaledInnovation)
    {
        Require.Shape(forecast, "The forecast", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(scaledInnovation, "The scaled innovation", forecast.shape);
        if (forecast.shape[1] < Options.KernelSize / 2)
            throw new ArgumentException($"A kernel of {Options.KernelSize} sites needs at least {Options.KernelSize / 2} sites; the forecast has {forecast.shape[1]}.");

        var innovation = scaledInnovation / Statistics.InnovationDeviation;
        var input = stack([(forecast - Statistics.StateMean) / Statistics.StateDeviation, innovation], 1);                    // [batch, 2, n]
        var increment = Computation == NetworkComputation.Automatic && FusedServes(input) ? Fused(input) : Plain(input);
        if (innovationFactor is not null) increment = increment + innovationFactor * innovation;
        return increment / Statistics.InnovationDeviation;
    }

    private Tensor Plain(Tensor input)
    {
        var hidden = encoder.call(input);                                                                                     // [batch, N_f, n]
        int layer = 0;
        for (long block = 0; block < Options.Blocks; block++)
        {
            var skip = hidden;
            for (long sub = 0; sub < Options.SubBlocks; sub++, layer++)
                hidden = nn.functional.mish(normalizations[layer].call(convolutions[layer].call(hidden)));
            hidden = hidden + skip;
        }
        return decoder.call(hidden).squeeze(1);
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

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("options", Options);
        writer.Set("statistics", Statistics);
        writer.Set("precision", precision);
        writer.Module(this);
    }

    private static ResidualConvolutionNetwork Load(ComponentReader reader)
    {
        var options = reader.Get<ResidualConvolutionOptions>("options").Checked();
        // Before the sizes a file declares are allocated, see that it holds tensors of these sizes.
        for (long i = options.Blocks * options.SubBlocks - 1; i >= 0; i--)
        {
            using var weight = reader.Tensor($"{nameof(convolutions)}.{i}.weight");
            Require.Shape(weight, $"The weight of convolution {i}", options.Filters, options.Filters, options.KernelSize);
        }
        var network = new ResidualConvolutionNetwork(options, reader.Get<AnalysisStatistics>("statistics"), reader.Get<ScalarType>("precision"), reader.Context.Device);
        reader.LoadInto(network);
        return network;
    }
}

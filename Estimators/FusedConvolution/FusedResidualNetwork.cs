using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The residual convolutional network computed in one piece on the CPU: from the packed input to the product in a blocked layout
/// (<see cref="BlockedLayout"/>), forward and backward, without tensor operators. It has circular convolutions, batch normalisation with
/// the batch's own or the running statistics, and mish or no activation.
/// </summary>
internal sealed unsafe class FusedResidualNetwork(FusedNetworkShape shape, BlockedKernel kernel)
{
    private const double Epsilon = 1e-5, Momentum = 0.1;   // libtorch's defaults
    private const double TimeOfOne = 0.1;                   // nanoseconds for a multiply-add
    private const int IdleTapes = 64, IdleSizes = 4;

    private readonly ConcurrentDictionary<(BlockedLayout Layout, bool Keeps), ConcurrentBag<FusedNetworkTape>> idle = [];

    /// <summary>The sizes.</summary>
    public FusedNetworkShape Shape => shape;

    /// <summary>The arithmetic.</summary>
    public BlockedKernel Kernel => kernel;

    /// <summary>The instruction set in use.</summary>
    public string Instructions => kernel.Name;

    /// <summary>The parameters' shapes, in the network's order.</summary>
    public IReadOnlyList<long[]> ParameterShapes { get; } = shape.ParameterShapes();

    /// <summary>The place of each parameter in a vector of all of them, and the vector's length.</summary>
    public int[] ParameterOffsets { get; } = Offsets(shape.ParameterShapes());

    internal static int LayerParameter(int layer) => 2 + 4 * layer;

    /// <summary>Computes the network's product, <c>[batch, outputs, n]</c>.</summary>
    /// <param name="input"><c>[batch, inputs, n]</c>, contiguous.</param>
    /// <param name="weights">The addresses of the parameters, in order (<see cref="Addresses(IReadOnlyList{Tensor})"/>); their memory
    /// stays alive until the call ends.</param>
    /// <param name="running">The running mean and variance of each layer; updated if the batch's own statistics are used.</param>
    /// <param name="ownStatistics">Whether the batch's own statistics are used, as in training.</param>
    /// <param name="keeps">Whether the pass is to be differentiated.</param>
    /// <returns>The product, and the tape that <see cref="Backward"/> needs.</returns>
    public (Tensor Product, FusedNetworkTape Tape) Forward(Tensor input, nint[] weights,
        IReadOnlyList<(Tensor Mean, Tensor Variance)> running, bool ownStatistics, bool keeps)
    {
        var layout = new BlockedLayout((int)input.size(0), (int)input.size(2), shape.Kernel / 2);
        var tape = Rent(layout, keeps);
        tape.OwnStatistics = ownStatistics;
        using var memory = new RentedMemory<float>(FusedWeights.Size(shape, layout));
        var prepared = new FusedWeights(shape, layout, weights, memory.Start);
        var product = empty([layout.Batch, shape.Outputs, layout.Sites], dtype: ScalarType.Float32);
        float* from = KernelMemory.Address<float>(input), to = KernelMemory.Address<float>(product);

        void Part(int layer, int group)
        {
            if (layer == 0) layout.Pack(from, shape.Inputs, group, tape.Input(group));
            Layer(tape, layer, prepared, group);
            if (layer == shape.Layers) layout.Unpack(tape.Output(group), shape.Outputs, group, to);
        }

        int threads = Threads(layout, passes: 1);
        if (ownStatistics)
        {
            SharedPhases.Run(threads, shape.Layers + 2, layout.Groups, (phase, group) =>
            {
                if (phase == 0) prepared.Prepare(group, layout.Groups);
                else Part(phase - 1, group);
            });
            MoveOn(tape, running);
        }
        else
        {
            Normalise(tape, prepared, running);
            SharedPhases.Run(threads, 2, layout.Groups, (phase, group) =>
            {
                if (phase == 0) prepared.Prepare(group, layout.Groups);
                else for (int layer = 0; layer <= shape.Layers; layer++) Part(layer, group);
            });
        }
        GC.KeepAlive(input);
        return (product, tape);
    }

    /// <summary>
    /// Computes the sensitivity of the input, <c>[batch, inputs, n]</c>, and of the parameters, concatenated; null if they are not
    /// requested.
    /// </summary>
    /// <param name="tape">The tape of the forward pass; it is released.</param>
    /// <param name="sensitivity">The sensitivity of the product, <c>[batch, outputs, n]</c>, contiguous.</param>
    /// <param name="weights">The addresses as in the forward pass.</param>
    /// <param name="wantsParameters">Whether the parameters' sensitivities are requested.</param>
    public (Tensor Input, Tensor? Parameters) Backward(FusedNetworkTape tape, Tensor sensitivity, nint[] weights, bool wantsParameters)
    {
        var layout = tape.Layout;
        using var pass = new FusedBackwardPass(this, layout, tape.FieldSize, new(shape, layout, weights, null), wantsParameters);
        var input = empty([layout.Batch, shape.Inputs, layout.Sites], dtype: ScalarType.Float32);
        pass.Run(tape, Threads(layout, passes: 2), KernelMemory.Address<float>(sensitivity), KernelMemory.Address<float>(input));
        GC.KeepAlive(sensitivity);
        Release(tape);
        if (!wantsParameters) return (input, null);
        var gradient = empty(ParameterOffsets[^1], dtype: ScalarType.Float32);
        new Span<float>(pass.Gradient, ParameterOffsets[^1]).CopyTo(KernelMemory.Elements<float>(gradient));
        return (input, gradient);
    }

    /// <summary>
    /// A group's way through a layer, from C_(layer - 1), or the packed input, to C_layer, or the packed product. With the batch's own
    /// statistics all groups have passed the layer before.
    /// </summary>
    public void Layer(FusedNetworkTape tape, int layer, FusedWeights weights, int group)
    {
        var layout = tape.Layout;
        if (layer == 0) Encode(tape, weights, group);
        else
        {
            if (tape.OwnStatistics) Normalise(tape, layer - 1, weights);
            Activate(tape, layer - 1, group);
        }
        if (layer == shape.Layers)
        {
            Decode(tape, weights, group);
            return;
        }
        Convolve(tape, layer, weights, group);
        if (tape.OwnStatistics)
            kernel.Moments(tape.Product(layer, group), shape.Filters, layout.Sites, layout.Filled(group), tape.Moments(layer, group),
                tape.Moments(layer, group) + shape.Filters);
    }

    /// <summary>Returns a tape's memory for use by later passes.</summary>
    public void Release(FusedNetworkTape tape)
    {
        tape.IsReleased = true;
        var bag = Idle(tape.Layout, tape.Keeps);
        if (bag.Count < IdleTapes) bag.Add(tape);
    }

    /// <summary>Gives the addresses of parameters that are separate, contiguous tensors.</summary>
    public static nint[] Addresses(IReadOnlyList<Tensor> parameters)
    {
        var addresses = new nint[parameters.Count];
        for (int i = 0; i < addresses.Length; i++) addresses[i] = (nint)KernelMemory.Address<float>(parameters[i]);
        return addresses;
    }

    /// <summary>Gives the addresses of parameters that are concatenated in a vector (<see cref="Packed"/>).</summary>
    public nint[] Addresses(Tensor packed)
    {
        var addresses = new nint[ParameterShapes.Count];
        float* first = KernelMemory.Address<float>(packed);
        for (int i = 0; i < addresses.Length; i++) addresses[i] = (nint)(first + ParameterOffsets[i]);
        return addresses;
    }

    /// <summary>Concatenates parameters into a vector; gradients are back-propagated to each.</summary>
    public static Tensor Packed(IReadOnlyList<Tensor> parameters) => cat([.. parameters.Select(parameter => parameter.flatten())]);

    /// <summary>Gives the parameters in such a vector, as views of it.</summary>
    public List<Tensor> Split(Tensor packed)
    {
        long first = 0;
        List<Tensor> parameters = [];
        foreach (long[] size in ParameterShapes)
        {
            long count = Count(size);
            parameters.Add(packed.narrow(0, first, count).view(size));
            first += count;
        }
        return parameters;
    }

    private static int[] Offsets(IReadOnlyList<long[]> shapes)
    {
        var offsets = new int[shapes.Count + 1];
        for (int i = 0; i < shapes.Count; i++) offsets[i + 1] = offsets[i] + (int)Count(shapes[i]);
        return offsets;
    }

    private static long Count(long[] size) => size.Aggregate(1L, (product, one) => product * one);

    /// <summary>The number of threads that pays for some passes over all groups, which share the work of a phase.</summary>
    public int Threads(BlockedLayout layout, int passes) =>
        SharedWork.Threads(layout.Groups,
            (double)BlockedLayout.Lanes * layout.Sites * shape.LayerWeights * shape.Layers * passes * TimeOfOne);

    private FusedNetworkTape Rent(BlockedLayout layout, bool keeps) =>
        Idle(layout, keeps).TryTake(out var tape) ? new FusedNetworkTape(tape) : new FusedNetworkTape(shape, layout, keeps);

    // Passes whose memory is free, all of one size; training and validation have one each.
    private ConcurrentBag<FusedNetworkTape> Idle(BlockedLayout layout, bool keeps)
    {
        if (idle.Count > IdleSizes) idle.Clear();
        return idle.GetOrAdd((layout, keeps), _ => []);
    }

    private void Encode(FusedNetworkTape tape, FusedWeights weights, int group)
    {
        var layout = tape.Layout;
        float* field = tape.Field(0, group);
        kernel.Convolve(tape.Input(group), layout.Row, weights[0], weights[1], Inner(layout, field), layout.Row,
            shape.Inputs, shape.Filters, layout.Sites, shape.Kernel);
        layout.Close(field, shape.Filters);
    }

    private void Activate(FusedNetworkTape tape, int layer, int group)
    {
        var layout = tape.Layout;
        var normalisation = tape.Normalisation(layer);
        bool ends = shape.EndsBlock(layer + 1);
        float* field = tape.Field(layer + 1, group);
        kernel.Activate(shape.Activation, tape.Product(layer, group), normalisation.Scale, normalisation.Shift,
            ends ? Inner(layout, tape.Field(shape.BlockStart(layer), group))
            : null, Inner(layout, field), layout.Row, shape.Filters, layout.Sites);
        layout.Close(field, shape.Filters);
    }

    private void Convolve(FusedNetworkTape tape, int layer, FusedWeights weights, int group)
    {
        int parameter = LayerParameter(layer);
        weights.Convolve(kernel, layer, weights[parameter], weights[parameter + 1], tape.Field(layer, group), tape.Product(layer, group),
            tape.Layout.InnerRow);
    }

    private void Decode(FusedNetworkTape tape, FusedWeights weights, int group) =>
        kernel.Convolve(tape.Field(shape.Layers, group), tape.Layout.Row, weights[weights.Count - 2], weights[weights.Count - 1],
            Inner(tape.Layout, tape.Output(group)), tape.Layout.Row, shape.Filters, shape.Outputs, tape.Layout.Sites, shape.Kernel);

    // The batch's own statistics: those of the groups combined (Chan et al. 1983). Every group computes the same numbers.
    private void Normalise(FusedNetworkTape tape, int layer, FusedWeights weights)
    {
        var layout = tape.Layout;
        var normalisation = tape.Normalisation(layer);
        double count = (double)layout.Batch * layout.Sites;
        for (int c = 0; c < shape.Filters; c++)
        {
            double mean = 0, squares = 0;
            for (int group = 0; group < layout.Groups; group++)
                mean += (double)layout.Filled(group) * layout.Sites / count * tape.Moments(layer, group)[c];
            for (int group = 0; group < layout.Groups; group++)
            {
                double d = tape.Moments(layer, group)[c] - mean;
                squares += tape.Moments(layer, group)[shape.Filters + c] + (double)layout.Filled(group) * layout.Sites * d * d;
            }
            Set(normalisation, c, mean, squares / count, weights[LayerParameter(layer) + 2][c], weights[LayerParameter(layer) + 3][c]);
        }
    }

    /// <summary>Sets the normalisation of every layer by the running statistics.</summary>
    public void Normalise(FusedNetworkTape tape, FusedWeights weights, IReadOnlyList<(Tensor Mean, Tensor Variance)> running)
    {
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            var normalisation = tape.Normalisation(layer);
            float* mean = KernelMemory.Address<float>(running[layer].Mean), variance = KernelMemory.Address<float>(running[layer].Variance);
            for (int c = 0; c < shape.Filters; c++)
                Set(normalisation, c, mean[c], variance[c], weights[LayerParameter(layer) + 2][c],
                    weights[LayerParameter(layer) + 3][c]);
        }
    }

    private static void Set(Normalisation normalisation, int c, double mean, double variance, double gamma, double beta)
    {
        double inverse = 1 / Math.Sqrt(variance + Epsilon);
        normalisation.Mean[c] = (float)mean;
        normalisation.InverseDeviation[c] = (float)inverse;
        normalisation.Scale[c] = (float)(gamma * inverse);
        normalisation.Shift[c] = (float)(beta - gamma * inverse * mean);
    }

    /// <summary>Moves the running statistics on by a pass with the batch's own, with the unbiased variance.</summary>
    public void MoveOn(FusedNetworkTape tape, IReadOnlyList<(Tensor Mean, Tensor Variance)> running)
    {
        double count = (double)tape.Layout.Batch * tape.Layout.Sites;
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            var normalisation = tape.Normalisation(layer);
            float* mean = KernelMemory.Address<float>(running[layer].Mean), variance = KernelMemory.Address<float>(running[layer].Variance);
            for (int c = 0; c < shape.Filters; c++)
            {
                double inverse = normalisation.InverseDeviation[c], own = 1 / (inverse * inverse) - Epsilon;
                mean[c] = (float)((1 - Momentum) * mean[c] + Momentum * normalisation.Mean[c]);
                variance[c] = (float)((1 - Momentum) * variance[c] + Momentum * own * count / (count - 1));
            }
        }
    }

    internal static float* Inner(BlockedLayout layout, float* field) => field + layout.Halo * BlockedLayout.Lanes;
}

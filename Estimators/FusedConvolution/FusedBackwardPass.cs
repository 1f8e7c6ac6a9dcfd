using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The backward pass through the fused network: from the product's sensitivity to those of the input and of every parameter. It runs
/// layer by layer. All groups meet at each layer, for the two sums over the batch in
/// <code>
/// dc = scale (du - mean(du) - c^ mean(du c^)),   c^ = (c - mean) / deviation,   du = mish'(u) da
/// </code>
/// (Ioffe and Szegedy 2015); with running statistics the means are left out. Parameters' sensitivities are summed group by
/// group and then over the groups, in order, so that they do not depend on the number of threads.
/// </summary>
internal sealed unsafe class FusedBackwardPass : IDisposable
{
    private const int SummingPieces = 16;

    private readonly FusedNetworkShape shape;
    private readonly BlockedKernel kernel;
    private readonly FusedNetworkTape tape;
    private readonly BlockedLayout layout;
    private readonly nint[] weights;
    private readonly bool wantsParameters;
    private readonly int[] offsets;              // of each parameter in a group's sums
    private readonly int parameterCount, parametersSize, groupSize;
    private readonly RentedMemory<float> memory;
    private readonly float* start;

    // The parameters are in the network's order.
    public FusedBackwardPass(FusedNetworkShape shape, BlockedKernel kernel, FusedNetworkTape tape, nint[] weights, bool wantsParameters)
    {
        (this.shape, this.kernel, this.tape, this.weights, this.wantsParameters) = (shape, kernel, tape, weights, wantsParameters);
        layout = tape.Layout;
        offsets = new int[weights.Length + 1];
        var shapes = shape.ParameterShapes();
        for (int i = 0; i < shapes.Count; i++)
            offsets[i + 1] = offsets[i] + (int)shapes[i].Aggregate(1L, (product, size) => product * size);
        parameterCount = offsets[^1];
        parametersSize = PinnedMemory.WholeLines<float>(parameterCount);
        // For each group: the sensitivity of a field, in two buffers that take turns, that of a block's beginning, and the packed
        // product's and input's.
        int most = Math.Max(shape.Inputs, shape.Outputs);
        int endSize = PinnedMemory.WholeLines<float>(most * layout.Row + BlockedKernel.Slack(shape.Kernel));
        groupSize = 3 * tape.FieldSize + 2 * endSize + parametersSize;
        long size = parametersSize + (long)layout.Groups * groupSize;
        memory = new(size);         // backward passes follow each other by the dozen
        start = memory.Start;
    }

    /// <summary>Computes everything; <see cref="Gradient"/> then gives the parameters' sensitivities.</summary>
    public void Run(int threads, float* sensitivity, float* input)
    {
        int groups = layout.Groups, layers = shape.Layers;
        SharedPhases.Run(threads, [layers + 2, .. Enumerable.Repeat(groups, layers + 1), wantsParameters ? SummingPieces : 0],
            (phase, piece) =>
        {
            if (phase == 0) Transpose(piece);
            else if (phase == 1) Decoder(piece, sensitivity);
            else if (phase <= layers + 1) Layer(layers + 1 - phase, piece, input);
            else Total(piece);
        });
    }

    /// <summary>The parameters' sensitivities one after the other.</summary>
    public Tensor Gradient()
    {
        var gradient = empty(parameterCount, dtype: ScalarType.Float32);
        new Span<float>(Sum(0), parameterCount).CopyTo(new Span<float>(KernelMemory.Address<float>(gradient), parameterCount));
        return gradient;
    }

    /// <summary>Releases the memory.</summary>
    public void Dispose() => memory.Dispose();

    private float* Transposed(int parameter) => start + offsets[parameter];

    private float* Group(int group) => start + parametersSize + (long)group * groupSize;

    // The sensitivity of X_layer, with halo: the two buffers take turns.
    private float* Sensitivity(int layer, int group) => Group(group) + (layer & 1) * tape.FieldSize;

    private float* Skip(int group) => Group(group) + 2 * tape.FieldSize;

    private float* Ends(int group) => Group(group) + 3 * tape.FieldSize;

    private float* Sum(int group) => Group(group) + groupSize - parametersSize;

    private float* Inner(float* field) => FusedResidualNetwork.Inner(layout, field);

    // [outputs][inputs][kernel] to [inputs][outputs][kernel], its taps reversed: the weights of the adjoint convolution.
    private void Transpose(int piece)
    {
        bool encoder = piece == 0, decoder = piece == shape.Layers + 1;
        int parameter = encoder ? 0 : decoder ? weights.Length - 2 : FusedResidualNetwork.LayerParameter(piece - 1);
        int inputs = encoder ? shape.Inputs : shape.Filters, outputs = decoder ? shape.Outputs : shape.Filters, taps = shape.Kernel;
        float* from = (float*)weights[parameter], to = Transposed(parameter);
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs; i++)
                for (int k = 0; k < taps; k++) to[(i * outputs + o) * taps + taps - 1 - k] = *from++;
    }

    private void Decoder(int group, float* sensitivity)
    {
        float* packed = Ends(group);
        int parameter = weights.Length - 2, layers = shape.Layers;
        layout.Pack(sensitivity, shape.Outputs, group, packed);
        if (wantsParameters)
        {
            kernel.WeightGradient(Inner(packed), layout.Row, tape.Field(layers, group), layout.Row, Sum(group) + offsets[parameter],
                shape.Filters, shape.Outputs, layout.Sites, shape.Kernel);
            kernel.Sums(Inner(packed), layout.Row, shape.Outputs, layout.Sites, Sum(group) + offsets[parameter + 1]);
        }
        float* field = Sensitivity(layers, group);
        kernel.Convolve(packed, layout.Row, Transposed(parameter), null, Inner(field), layout.Row, shape.Outputs, shape.Filters,
            layout.Sites, shape.Kernel);
        EndBlock(field, group);
        ActivateBackward(layers - 1, field, group);
    }

    private void Layer(int layer, int group, float* input)
    {
        float* field = Sensitivity(layer + 1, group), before = Sensitivity(layer, group);
        NormaliseBackward(layer, field, group);
        layout.Close(field, shape.Filters);
        int parameter = FusedResidualNetwork.LayerParameter(layer);
        if (wantsParameters && !shape.EndsBlock(layer)) Restore(layer, group);
        if (wantsParameters)
            kernel.WeightGradient(Inner(field), layout.Row, tape.Field(layer, group), layout.Row, Sum(group) + offsets[parameter],
                shape.Filters, shape.Filters, layout.Sites, shape.Kernel);
        kernel.Convolve(field, layout.Row, Transposed(parameter), null, Inner(before), layout.Row, shape.Filters, shape.Filters,
            layout.Sites, shape.Kernel);
        if (shape.EndsBlock(layer)) kernel.Add(Skip(group), before, shape.Filters * layout.Row);
        if (layer == 0)
        {
            Encoder(before, group, input);
            return;
        }
        if (shape.EndsBlock(layer)) EndBlock(before, group);
        ActivateBackward(layer - 1, before, group);
    }

    // X_layer within a block, as in the forward pass.
    private void Restore(int layer, int group)
    {
        var normalisation = tape.Normalisation(layer - 1);
        float* field = tape.Field(layer, group);
        kernel.Activate(shape.Activation, tape.Product(layer - 1, group), normalisation.Scale, normalisation.Shift, null, Inner(field),
            layout.Row, shape.Filters, layout.Sites);
        layout.Close(field, shape.Filters);
    }

    private void Encoder(float* field, int group, float* input)
    {
        if (wantsParameters)
        {
            kernel.Sums(Inner(field), layout.Row, shape.Filters, layout.Sites, Sum(group) + offsets[1]);
            kernel.WeightGradient(Inner(field), layout.Row, tape.Input(group), layout.Row, Sum(group), shape.Inputs, shape.Filters,
                layout.Sites, shape.Kernel);
        }
        layout.Close(field, shape.Filters);
        float* packed = Ends(group);
        kernel.Convolve(field, layout.Row, Transposed(0), null, Inner(packed), layout.Row, shape.Filters, shape.Inputs, layout.Sites,
            shape.Kernel);
        layout.Unpack(packed, shape.Inputs, group, input);
    }

    // The sensitivity at a block's end goes to its last layer and, skipping its layers, to its beginning.
    private void EndBlock(float* field, int group) =>
        new Span<float>(field, tape.FieldSize).CopyTo(new Span<float>(Skip(group), tape.FieldSize));

    // The sums for gamma's and beta's sensitivities also serve the backward pass through the normalisation.
    private void ActivateBackward(int layer, float* field, int group)
    {
        var normalisation = tape.Normalisation(layer);
        int parameter = FusedResidualNetwork.LayerParameter(layer);
        kernel.ActivateBackward(shape.Activation, tape.Product(layer, group), normalisation.Scale, normalisation.Shift, normalisation.Mean,
            normalisation.InverseDeviation, Inner(field), layout.Row,
            shape.Filters, layout.Sites, sums: Sum(group) + offsets[parameter + 3], weightedSums: Sum(group) + offsets[parameter + 2]);
    }

    private void NormaliseBackward(int layer, float* field, int group)
    {
        var normalisation = tape.Normalisation(layer);
        int parameter = FusedResidualNetwork.LayerParameter(layer), filters = shape.Filters;
        float* a = stackalloc float[filters], b = stackalloc float[filters];
        for (int c = 0; c < filters; c++)
        {
            double plain = 0, weighted = 0;
            for (int other = 0; tape.OwnStatistics && other < layout.Groups; other++)
            {
                plain += Sum(other)[offsets[parameter + 3] + c];
                weighted += Sum(other)[offsets[parameter + 2] + c];
            }
            double count = (double)layout.Batch * layout.Sites;
            (a[c], b[c]) = ((float)(plain / count), (float)(weighted / count));
        }
        kernel.NormaliseBackward(tape.Product(layer, group), normalisation.Scale, normalisation.Mean, normalisation.InverseDeviation, a, b,
            Inner(field), layout.Row,
            filters, layout.Sites, layout.Filled(group), Sum(group) + offsets[parameter + 1]);
    }

    // A part of the sums over all groups, added to the first group's.
    private void Total(int piece)
    {
        int from = (int)((long)parameterCount * piece / SummingPieces), to = (int)((long)parameterCount * (piece + 1) / SummingPieces);
        for (int group = 1; group < layout.Groups; group++) kernel.Add(Sum(group) + from, Sum(0) + from, to - from);
    }
}

namespace DaML.Components;

/// <summary>
/// The backward pass through the fused network: from the product's sensitivity to those of the input and of every parameter. It runs
/// layer by layer. All groups meet at each layer, for the two sums over the batch in
/// <code>
/// dc = scale (du - mean(du) - c^ mean(du c^)),   c^ = (c - mean) / deviation,   du = mish'(u) da
/// </code>
/// (Ioffe and Szegedy 2015); with running statistics the means are left out. Parameters' sensitivities are summed over the passes of a
/// group, and then over the groups, in order, so that they do not depend on the number of threads.
/// </summary>
/// <remarks>One after the other for each group: <see cref="Begin"/>, then for each pass <see cref="Decoder"/> and <see cref="Layer"/> from
/// the last to the first, and at the end <see cref="Total"/>. All groups have passed a layer before one enters the next.</remarks>
internal sealed unsafe class FusedBackwardPass : IDisposable
{
    private readonly FusedNetworkShape shape;
    private readonly BlockedKernel kernel;
    private readonly BlockedLayout layout;
    private readonly FusedWeights weights, adjoint;     // adjoint: of the convolutions back
    private readonly bool wantsParameters;
    private readonly int[] offsets;              // of each parameter in a group's sums
    private readonly int parameterCount, parametersSize, fieldSize, groupSize;
    private readonly RentedMemory<float> memory;
    private readonly float* start;

    // The parameters are in the network's order.
    public FusedBackwardPass(FusedResidualNetwork network, BlockedLayout layout, int fieldSize, FusedWeights weights, bool wantsParameters)
    {
        (shape, kernel, offsets) = (network.Shape, network.Kernel, network.ParameterOffsets);
        (this.layout, this.fieldSize, this.weights, this.wantsParameters) = (layout, fieldSize, weights, wantsParameters);
        parameterCount = offsets[^1];
        parametersSize = PinnedMemory.WholeLines<float>(parameterCount);
        // For each group: the sensitivity of a field, in two buffers that take turns, that of a block's beginning, and the packed
        // product's and input's.
        int most = Math.Max(shape.Inputs, shape.Outputs);
        int endSize = PinnedMemory.WholeLines<float>(most * layout.Row + BlockedKernel.Slack(shape.Kernel));
        groupSize = 3 * fieldSize + 2 * endSize + parametersSize;
        int transformedSize = PinnedMemory.WholeLines<float>(FusedWeights.Size(shape, layout));
        memory = new(transformedSize + parametersSize + (long)layout.Groups * groupSize);   // passes follow each other by the dozen
        start = memory.Start + transformedSize;
        adjoint = new(shape, layout, [], memory.Start);
    }

    /// <summary>The packed sensitivity of a group's product, then that of its input, with halo.</summary>
    public float* Ends(int group) => Group(group) + 3 * fieldSize;

    /// <summary>The parameters' sensitivities one after the other, once the groups' are totalled.</summary>
    public float* Gradient => Sum(0);

    /// <summary>Computes one pass.</summary>
    /// <param name="tape">The forward pass.</param>
    /// <param name="threads">The largest number of threads.</param>
    /// <param name="sensitivity">That of the product, <c>[batch, outputs, n]</c>.</param>
    /// <param name="input">Where that of the input is written, <c>[batch, inputs, n]</c>.</param>
    public void Run(FusedNetworkTape tape, int threads, float* sensitivity, float* input) =>
        SharedPhases.Run(threads, shape.Layers + 3, layout.Groups, (phase, group) =>
        {
            if (phase == 0) Begin(group);
            else if (phase == 1)
            {
                layout.Pack(sensitivity, shape.Outputs, group, Ends(group));
                Decoder(tape, group);
            }
            else if (phase <= shape.Layers + 1)
            {
                int layer = shape.Layers + 1 - phase;
                Layer(tape, layer, group);
                if (layer == 0) layout.Unpack(Ends(group), shape.Inputs, group, input);
            }
            else Total(group);
        });

    /// <summary>Prepares a group: its share of the transposed weights, and its sums.</summary>
    public void Begin(int group)
    {
        for (int piece = group; piece < shape.Layers + 2; piece += layout.Groups) Transpose(piece);
        if (wantsParameters) new Span<float>(Sum(group), parameterCount).Clear();
    }

    /// <summary>Goes back from the product, whose packed sensitivity is in <see cref="Ends"/>, to the last layer.</summary>
    public void Decoder(FusedNetworkTape tape, int group)
    {
        float* packed = Ends(group);
        int parameter = weights.Count - 2, layers = shape.Layers;
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
        ActivateBackward(tape, layers - 1, field, group);
    }

    /// <summary>
    /// Goes back through a layer, and from the first on to the input, whose packed sensitivity is then in <see cref="Ends"/>.
    /// </summary>
    public void Layer(FusedNetworkTape tape, int layer, int group)
    {
        float* field = Sensitivity(layer + 1, group), before = Sensitivity(layer, group);
        NormaliseBackward(tape, layer, field, group);
        layout.Close(field, shape.Filters);
        int parameter = FusedResidualNetwork.LayerParameter(layer);
        if (wantsParameters && !shape.EndsBlock(layer)) Restore(tape, layer, group);
        if (wantsParameters)
            kernel.WeightGradient(Inner(field), layout.Row, tape.Field(layer, group), layout.Row, Sum(group) + offsets[parameter],
                shape.Filters, shape.Filters, layout.Sites, shape.Kernel);
        adjoint.Convolve(kernel, layer, Transposed(parameter), null, field, Inner(before), layout.Row);
        if (shape.EndsBlock(layer)) kernel.Add(Skip(group), before, shape.Filters * layout.Row);
        if (layer == 0)
        {
            Encoder(tape, before, group);
            return;
        }
        if (shape.EndsBlock(layer)) EndBlock(before, group);
        ActivateBackward(tape, layer - 1, before, group);
    }

    /// <summary>A group's part of the sums over all groups, added to the first group's.</summary>
    public void Total(int group)
    {
        if (!wantsParameters) return;
        int groups = layout.Groups;
        int from = (int)((long)parameterCount * group / groups), to = (int)((long)parameterCount * (group + 1) / groups);
        for (int other = 1; other < groups; other++) kernel.Add(Sum(other) + from, Sum(0) + from, to - from);
    }

    /// <summary>Releases the memory.</summary>
    public void Dispose() => memory.Dispose();

    private float* Transposed(int parameter) => start + offsets[parameter];

    private float* Group(int group) => start + parametersSize + (long)group * groupSize;

    // The sensitivity of X_layer, with halo: the two buffers take turns.
    private float* Sensitivity(int layer, int group) => Group(group) + (layer & 1) * fieldSize;

    private float* Skip(int group) => Group(group) + 2 * fieldSize;

    private float* Sum(int group) => Group(group) + groupSize - parametersSize;

    private float* Inner(float* field) => FusedResidualNetwork.Inner(layout, field);

    // [outputs][inputs][kernel] to [inputs][outputs][kernel], its taps reversed: the weights of the adjoint convolution.
    private void Transpose(int piece)
    {
        bool encoder = piece == 0, decoder = piece == shape.Layers + 1;
        int parameter = encoder ? 0 : decoder ? weights.Count - 2 : FusedResidualNetwork.LayerParameter(piece - 1);
        int inputs = encoder ? shape.Inputs : shape.Filters, outputs = decoder ? shape.Outputs : shape.Filters, taps = shape.Kernel;
        float* from = weights[parameter], to = Transposed(parameter);
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs; i++)
                for (int k = 0; k < taps; k++) to[(i * outputs + o) * taps + taps - 1 - k] = *from++;
        if (!encoder && !decoder) adjoint.Prepare(piece - 1, to);
    }

    // X_layer within a block, as in the forward pass.
    private void Restore(FusedNetworkTape tape, int layer, int group)
    {
        var normalisation = tape.Normalisation(layer - 1);
        float* field = tape.Field(layer, group);
        kernel.Activate(shape.Activation, tape.Product(layer - 1, group), normalisation.Scale, normalisation.Shift, null, Inner(field),
            layout.Row, shape.Filters, layout.Sites);
        layout.Close(field, shape.Filters);
    }

    private void Encoder(FusedNetworkTape tape, float* field, int group)
    {
        if (wantsParameters)
        {
            kernel.Sums(Inner(field), layout.Row, shape.Filters, layout.Sites, Sum(group) + offsets[1]);
            kernel.WeightGradient(Inner(field), layout.Row, tape.Input(group), layout.Row, Sum(group), shape.Inputs, shape.Filters,
                layout.Sites, shape.Kernel);
        }
        layout.Close(field, shape.Filters);
        kernel.Convolve(field, layout.Row, Transposed(0), null, Inner(Ends(group)), layout.Row, shape.Filters, shape.Inputs, layout.Sites,
            shape.Kernel);
    }

    // The sensitivity at a block's end goes to its last layer and, skipping its layers, to its beginning.
    private void EndBlock(float* field, int group) =>
        new Span<float>(field, fieldSize).CopyTo(new Span<float>(Skip(group), fieldSize));

    // The sums for gamma's and beta's sensitivities also serve the backward pass through the normalisation: they take the place of the
    // forward pass's moments.
    private void ActivateBackward(FusedNetworkTape tape, int layer, float* field, int group)
    {
        var normalisation = tape.Normalisation(layer);
        float* sums = tape.Moments(layer, group), weighted = sums + shape.Filters;
        kernel.ActivateBackward(shape.Activation, tape.Product(layer, group), normalisation.Scale, normalisation.Shift, normalisation.Mean,
            normalisation.InverseDeviation, Inner(field), layout.Row, shape.Filters, layout.Sites, sums, weighted);
        if (!wantsParameters) return;
        int parameter = FusedResidualNetwork.LayerParameter(layer);
        kernel.Add(sums, Sum(group) + offsets[parameter + 3], shape.Filters);
        kernel.Add(weighted, Sum(group) + offsets[parameter + 2], shape.Filters);
    }

    private void NormaliseBackward(FusedNetworkTape tape, int layer, float* field, int group)
    {
        var normalisation = tape.Normalisation(layer);
        int filters = shape.Filters;
        float* a = stackalloc float[filters], b = stackalloc float[filters];
        double count = (double)layout.Batch * layout.Sites;
        for (int c = 0; c < filters; c++)
        {
            double plain = 0, weighted = 0;
            for (int other = 0; tape.OwnStatistics && other < layout.Groups; other++)
            {
                plain += tape.Moments(layer, other)[c];
                weighted += tape.Moments(layer, other)[filters + c];
            }
            (a[c], b[c]) = ((float)(plain / count), (float)(weighted / count));
        }
        kernel.NormaliseBackward(tape.Product(layer, group), normalisation.Scale, normalisation.Mean, normalisation.InverseDeviation, a, b,
            Inner(field), layout.Row, filters, layout.Sites, layout.Filled(group),
            Sum(group) + offsets[FusedResidualNetwork.LayerParameter(layer) + 1]);
    }
}

namespace DaML.Components;

/// <summary>
/// The stored values of one pass through the fused network: for each group of lanes the packed input, the field before each layer at the
/// ends of blocks (X_0, X_S, .. X_L, with halo) and each convolution's product (C_0 .. C_(L-1)), and each layer's normalisation. The
/// backward pass recomputes the fields between, X_l = mish(C_(l-1) normalised), which takes less time than reading them from memory. A
/// pass that is not to be differentiated keeps only the values that the next layer reads.
/// </summary>
internal sealed unsafe class FusedNetworkTape
{
    private readonly PinnedMemory memory;
    private readonly float* start;
    private readonly int groupSize, outputOffset, xOffset, cOffset, momentOffset, normalisationOffset;

    public FusedNetworkTape(FusedNetworkShape shape, BlockedLayout layout, bool keeps)
    {
        Shape = shape;
        Layout = layout;
        Keeps = keeps;
        int fields = keeps ? shape.Blocks + 2 : 2, products = keeps ? shape.Layers : 1;
        FieldSize = PinnedMemory.WholeLines<float>(shape.Filters * layout.Row + BlockedKernel.Slack(shape.Kernel));
        ProductSize = PinnedMemory.WholeLines<float>(shape.Filters * layout.InnerRow);
        outputOffset = PinnedMemory.WholeLines<float>(shape.Inputs * layout.Row + BlockedKernel.Slack(shape.Kernel));
        xOffset = outputOffset + PinnedMemory.WholeLines<float>(shape.Outputs * layout.Row);
        cOffset = xOffset + fields * FieldSize;
        momentOffset = cOffset + products * ProductSize;
        groupSize = momentOffset + PinnedMemory.WholeLines<float>(2 * shape.Layers * shape.Filters);
        normalisationOffset = checked(groupSize * layout.Groups);
        long size = normalisationOffset + 4L * shape.Layers * shape.Filters;
        if (size > int.MaxValue)
            throw new OutOfMemoryException(
                $"A batch of {layout.Batch} is too large for the fused network: it would keep {size} numbers. Use a smaller batch.");
        memory = new(size * sizeof(float), cleared: true);
        start = (float*)memory.Start;
    }

    /// <summary>Begins a new pass in the memory of a released one.</summary>
    public FusedNetworkTape(FusedNetworkTape released)
    {
        (Shape, Layout, Keeps, FieldSize, ProductSize) = (released.Shape, released.Layout, released.Keeps, released.FieldSize,
            released.ProductSize);
        (memory, groupSize, outputOffset) = (released.memory, released.groupSize, released.outputOffset);
        start = released.start;
        (xOffset, cOffset, momentOffset, normalisationOffset) = (released.xOffset, released.cOffset, released.momentOffset,
            released.normalisationOffset);
    }

    public FusedNetworkShape Shape { get; }

    public BlockedLayout Layout { get; }

    /// <summary>Whether all fields are kept, so that the pass can be differentiated.</summary>
    public bool Keeps { get; }

    /// <summary>Whether the statistics were the batch's own.</summary>
    public bool OwnStatistics { get; set; }

    /// <summary>Whether its memory already belongs to another pass.</summary>
    public bool IsReleased { get; set; }

    /// <summary>The size of a field of all filters, with halo and slack, in numbers.</summary>
    public int FieldSize { get; }

    /// <summary>The size of a field of all filters, without them, in numbers.</summary>
    public int ProductSize { get; }

    /// <summary>The packed input of a group.</summary>
    public float* Input(int group) => start + group * groupSize;

    /// <summary>The place of a group's packed product, with halo.</summary>
    public float* Output(int group) => Input(group) + outputOffset;

    /// <summary>
    /// X_layer of a group, with halo. Those between the ends of blocks share one place: they are recomputed from C_(layer - 1).
    /// </summary>
    public float* Field(int layer, int group)
    {
        int slot = !Shape.EndsBlock(layer) ? 0 : Keeps ? 1 + layer / Shape.SubBlocks : layer < Shape.Layers ? 1 : 0;
        return start + group * groupSize + xOffset + slot * FieldSize;
    }

    /// <summary>C_layer of a group, without halo.</summary>
    public float* Product(int layer, int group) => start + group * groupSize + cOffset + (Keeps ? layer : 0) * ProductSize;

    /// <summary>The mean [filters] and summed squared deviation [filters] of C_layer over a group.</summary>
    public float* Moments(int layer, int group) => start + group * groupSize + momentOffset + 2 * layer * Shape.Filters;

    /// <summary>A layer's mean, inverse deviation, scale and shift, [filters] each.</summary>
    public Normalisation Normalisation(int layer)
    {
        float* first = start + normalisationOffset + 4 * layer * Shape.Filters;
        return new(first, first + Shape.Filters, first + 2 * Shape.Filters, first + 3 * Shape.Filters);
    }
}

/// <summary>u = gamma (c - mean) deviation^-1 + beta = scale c + shift, [filters] each.</summary>
internal readonly unsafe struct Normalisation(float* mean, float* inverseDeviation, float* scale, float* shift)
{
    public float* Mean => mean;
    public float* InverseDeviation => inverseDeviation;
    public float* Scale => scale;
    public float* Shift => shift;
}

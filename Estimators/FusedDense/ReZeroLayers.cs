namespace DaML.Components;

/// <summary>
/// The layers of a <see cref="ReZeroNetwork"/> over plain memory, for one group of lanes (<see cref="LaneGroups"/>); without skips it is
/// one linear layer. Its parameters in order: weight and bias of each layer, the last included, then the alphas.
/// </summary>
/// <param name="inputs">The width of the input and of all layers but the last.</param>
/// <param name="outputs">The width of the result.</param>
/// <param name="skips">The number of layers with a skip.</param>
/// <param name="first">The place of its first parameter among those of all networks.</param>
/// <param name="kernel">The arithmetic.</param>
internal sealed unsafe class ReZeroLayers(int inputs, int outputs, int skips, int first, DenseKernel kernel)
{
    private const int Lanes = LaneGroups.Lanes;

    private int Field => inputs * Lanes;

    private int Row => LaneGroups.Padded(inputs);

    /// <summary>The place behind its last parameter.</summary>
    public int End => first + 3 * skips + 2;

    /// <summary>The size of the forward pass: the inputs of all layers, then the inner values of those with a skip.</summary>
    public int ForwardSize => (2 * skips + 1) * Field;

    /// <summary>
    /// The size of the backward pass: the sensitivities of all inner values, then that of the result, all layers' inputs by rows, and the
    /// sensitivities of the alphas.
    /// </summary>
    public int BackwardSize => ToResult + outputs * Lanes + (skips + 1) * Lanes * Row + PinnedMemory.WholeLines<float>(skips);

    /// <summary>The place of the sensitivity of the result in the backward pass.</summary>
    public int ToResult => skips * Field;

    /// <summary>The number of multiply-adds for one row.</summary>
    public long Weights => (long)skips * inputs * inputs + (long)inputs * outputs;

    /// <summary>The number of pieces of its gradient.</summary>
    public int Pieces => skips * DenseKernel.Shares(inputs) + DenseKernel.Shares(outputs);

    private int RowsOffset => ToResult + outputs * Lanes;

    private int AlphasOffset => RowsOffset + (skips + 1) * Lanes * Row;

    /// <summary>Computes the result of a group.</summary>
    /// <param name="parameters">The addresses of the parameters of all networks.</param>
    /// <param name="fields">The forward pass, which begins with the input.</param>
    /// <param name="result">[outputs][lane]</param>
    public void Forward(nint[] parameters, float* fields, float* result)
    {
        float* inner = fields + (skips + 1) * Field;
        for (int layer = 0; layer < skips; layer++, fields += Field, inner += Field)
        {
            Product(parameters, layer, fields, inner, inputs);
            kernel.AddLeaky(fields, inner, Alpha(parameters, layer), fields + Field, Field);
        }
        Product(parameters, skips, fields, result, outputs);
    }

    /// <summary>Computes the sensitivities of a group.</summary>
    /// <param name="parameters">The addresses of the parameters of all networks.</param>
    /// <param name="fields">The forward pass.</param>
    /// <param name="back">The backward pass; the sensitivity of the result is in its place.</param>
    /// <param name="toInput">The sensitivity of the input, [inputs][lane].</param>
    /// <param name="adds">Whether a network without skips adds to it.</param>
    /// <param name="wantsInput">Whether that of the input is wanted; without it, its place is scratch.</param>
    public void Backward(nint[] parameters, float* fields, float* back, float* toInput, bool adds, bool wantsInput)
    {
        for (int layer = 0; layer <= skips; layer++)
            LaneGroups.Transpose(fields + layer * Field, inputs, back + RowsOffset + layer * Lanes * Row);
        if (skips > 0 || wantsInput) BackProduct(parameters, skips, back + ToResult, toInput, outputs, adds);
        for (int layer = skips - 1; layer >= 0; layer--)
        {
            back[AlphasOffset + layer] = kernel.LeakySensitivity(toInput, fields + (skips + 1 + layer) * Field, Alpha(parameters, layer),
                back + layer * Field, Field);
            if (layer > 0 || wantsInput) BackProduct(parameters, layer, back + layer * Field, toInput, inputs, adds: true);
        }
    }

    /// <summary>
    /// Computes a piece of the gradient with respect to weights and biases: some rows of a layer, of all passes together.
    /// </summary>
    /// <param name="piece">The piece.</param>
    /// <param name="targets">The addresses of the gradients of all networks, zero for those that are not wanted.</param>
    /// <param name="passes">The backward passes of all groups and applications.</param>
    /// <param name="filled">The number of lanes of each that exist.</param>
    public void Gradient(int piece, nint[] targets, ReadOnlySpan<nint> passes, ReadOnlySpan<int> filled)
    {
        int shares = DenseKernel.Shares(inputs), layer = Math.Min(piece / shares, skips), r = (piece - layer * shares) * DenseKernel.Share;
        int rows = Math.Min(DenseKernel.Share, (layer == skips ? outputs : inputs) - r);
        float* weight = (float*)targets[first + 2 * layer], bias = (float*)targets[first + 2 * layer + 1];
        if (bias is not null) new Span<float>(bias + r, rows).Clear();
        for (int i = 0; i < passes.Length; i++)
        {
            float* back = (float*)passes[i], toInner = back + layer * Field + r * Lanes;
            if (weight is not null)
                kernel.Multiply(LeftFactor.Of(toInner, Lanes), back + RowsOffset + layer * Lanes * Row, Row, weight + (long)r * inputs,
                    inputs, rows, filled[i], inputs, null, adds: i > 0);
            if (bias is not null) kernel.AddSums(toInner, Lanes, rows, Lanes, bias + r);
        }
    }

    /// <summary>Computes the gradient with respect to the alphas, of all passes together.</summary>
    public void AlphaGradient(nint[] targets, ReadOnlySpan<nint> passes)
    {
        for (int layer = 0; layer < skips; layer++)
        {
            if (targets[first + 2 * skips + 2 + layer] is not (not 0 and var target)) continue;
            double sum = 0;
            foreach (nint pass in passes) sum += ((float*)pass)[AlphasOffset + layer];
            *(float*)target = (float)sum;
        }
    }

    private void Product(nint[] parameters, int layer, float* field, float* product, int rows) =>
        kernel.Multiply(LeftFactor.Of((float*)parameters[first + 2 * layer], inputs), field, Lanes, product, Lanes, rows, inputs, Lanes,
            (float*)parameters[first + 2 * layer + 1], adds: false);

    private void BackProduct(nint[] parameters, int layer, float* toProduct, float* toField, int rows, bool adds) =>
        kernel.Multiply(LeftFactor.Transposed((float*)parameters[first + 2 * layer], inputs), toProduct, Lanes, toField, Lanes, inputs,
            rows, Lanes, null, adds);

    private float Alpha(nint[] parameters, int layer) => *(float*)parameters[first + 2 * skips + 2 + layer];
}

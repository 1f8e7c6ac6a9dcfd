using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A long short-term memory (Hochreiter and Schmidhuber 1997; with the forget gate of Gers, Schmidhuber and Cummins 2000) from a window
/// of past values to the coming values, <c>[rows, L, r]</c>, oldest first, to <c>[rows, D, r]</c>:
/// <code>
/// (i, f, g, o) = W_ih x_k + b_ih + W_hh h_(k-1) + b_hh
/// C_k = sigmoid(f) C_(k-1) + sigmoid(i) tanh(g),   h_k = sigmoid(o) tanh(C_k),   y = W h_L + b
/// </code>
/// with y read from h_L and the attention's context if there is one. Weights are named and arranged as those of torch's LSTM cells.
/// </summary>
/// <remarks>
/// The cells are those of libtorch, built from differentiable operators, so that derivatives of derivatives exist (a tangent linear by
/// automatic differentiation needs them); its fused layers have none in single precision. Drawn weights: uniform within 2 / sqrt(inputs
/// of the layer), since values in a common unit are mostly below one and products of gates are what a linear model lacks; forget gates
/// open (a bias of 1: Jozefowicz, Zaremba and Sutskever 2015), and the last layer zero, so that a network begins as the mean, or as the
/// linear baseline that it corrects.
/// </remarks>
[Component("long-short-term-memory-network")]
public sealed class LongShortTermMemoryNetwork : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<LSTMCell> cells = [];
    private readonly Linear? query;
    private readonly Linear output;
    private readonly long values, leads, inputs;
    private readonly FusedLongShortTermMemory fused;
    private readonly IReadOnlyList<Tensor> learned;     // in the order of the fused network; a cell makes new handles whenever it is asked

    /// <summary>Creates a network and draws its weights from a stream.</summary>
    /// <param name="values">r, the number of values at each time.</param>
    /// <param name="leads">D, the number of coming times.</param>
    /// <param name="options">The network's size.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="random">The stream of its initial weights, on whose device it lives.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    public LongShortTermMemoryNetwork(long values, long leads, LongShortTermMemoryOptions options, ScalarType precision,
        RandomStream random)
        : this(values, leads, options, precision, random.Device) => Draw(random);

    [Saved]
    private LongShortTermMemoryNetwork(long values, long leads, LongShortTermMemoryOptions options, ScalarType precision, Device device)
        : base(nameof(LongShortTermMemoryNetwork))
    {
        Options = options.Checked();
        Computation = options.Computation;
        (this.values, this.leads) = (Require.AtLeast(values, 1), Require.AtLeast(leads, 1));
        inputs = Math.Min(options.Inputs ?? values, values);
        int hidden = options.Hidden;
        for (int layer = 0; layer < options.Layers; layer++)
            cells.Add(nn.LSTMCell(layer == 0 ? inputs : hidden, hidden, device: device, dtype: precision));
        bool attends = options.Attention == WindowAttention.DotProduct;
        if (attends) query = nn.Linear(hidden, hidden, hasBias: false, device: device, dtype: precision);
        output = nn.Linear(attends ? 2 * hidden : hidden, leads * values, device: device, dtype: precision);
        fused = new((int)values, (int)inputs, hidden, options.Layers, (int)(leads * values), DenseKernel.Best);
        RegisterComponents();
        ModuleTensors.Keep(this);
        learned = [.. parameters().Select(parameter => parameter.DetachFromDisposeScope())];
    }

    /// <summary>
    /// The way of computing it (default: as the options say). Automatic is in one fused piece over the window while its weights learn,
    /// without attention, on the processor and in single precision, else by plain operators.
    /// </summary>
    public NetworkComputation Computation { get; set; }

    /// <summary>Which way is in use while its weights learn, in words.</summary>
    public string ComputationInUse =>
        Computation != NetworkComputation.Automatic ? "plain operators, as asked"
        : query is not null ? "plain operators: the fused network has no attention"
        : DenseKernel.InUse(output.weight!);

    /// <summary>The network's size.</summary>
    public LongShortTermMemoryOptions Options { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The shape is wrong.</exception>
    public override Tensor forward(Tensor window)
    {
        Require.Shape(window, "The window of a long short-term memory", ColumnDefinition.AnySize, ColumnDefinition.AnySize, values);
        return !IsFused(window) ? Plain(window)
            : FusedLongShortTermMemoryFunction.Apply(fused, input => Plain(input).flatten(1), window, learned).view(-1, leads, values);
    }

    private bool IsFused(Tensor window) => Computation == NetworkComputation.Automatic && query is null
        && DenseKernel.Serves(output.weight!, window);

    private Tensor Plain(Tensor window)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<Tensor> sequence = window.narrow(2, 0, inputs).unbind(1);
        foreach (var cell in cells) sequence = Through(cell, sequence);
        var last = sequence[^1];
        var read = query is null ? last : cat([last, Context(query.call(last), stack(sequence, 1))], -1);
        return output.call(read).reshape(-1, leads, values).MoveToOuterDisposeScope();
    }

    private Tensor[] Through(LSTMCell cell, IReadOnlyList<Tensor> sequence)
    {
        var hidden = new Tensor[sequence.Count];
        var zero = zeros([sequence[0].size(0), Options.Hidden], dtype: sequence[0].dtype, device: sequence[0].device);
        var state = (zero, zero);   // given, since TorchSharp 0.107 makes an empty state of none
        for (int k = 0; k < hidden.Length; k++)
        {
            var next = cell.call(sequence[k], state);
            (hidden[k], state) = (next.Item1, next);
        }
        return hidden;
    }

    // softmax(q h_k / sqrt(H)) over k, and the mean of h_k with these weights.
    private static Tensor Context(Tensor query, Tensor hidden)
    {
        var weights = (matmul(hidden, query.unsqueeze(-1)) / Math.Sqrt(hidden.size(-1))).softmax(1);   // [rows, L, 1]
        return (weights * hidden).sum([1]);
    }

    private void Draw(RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        int hidden = Options.Hidden;
        for (int layer = 0; layer < Options.Layers; layer++)
        {
            var cell = cells[layer];
            Uniform(cell.weight_ih!, layer == 0 ? 2 / Math.Sqrt(inputs) : 1 / Math.Sqrt(hidden));
            Uniform(cell.weight_hh!, 1 / Math.Sqrt(hidden));
            cell.bias_ih!.zero_();
            cell.bias_hh!.zero_();
            cell.bias_ih.narrow(0, hidden, hidden).fill_(1);
        }
        if (query is not null) Uniform(query.weight!, 1 / Math.Sqrt(hidden));
        foreach (var parameter in output.parameters()) parameter.zero_();

        void Uniform(Tensor weight, double bound) => weight.copy_(random.Uniform(weight.Sizes(), weight.dtype) * (2 * bound) - bound);
    }

    private ScalarType Precision => output.weight!.dtype;
}

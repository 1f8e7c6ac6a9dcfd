using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A <see cref="LongShortTermMemoryNetwork"/> without attention computed in one piece on the CPU over its whole window, forward and
/// backward, without tensor operators, in single precision. What follows from h_0 = C_0 = 0 is left out. Its parameters in order: for
/// each layer W_ih, W_hh, b_ih and b_hh, then weight and bias of the output.
/// </summary>
/// <param name="values">r, the number of values at each time.</param>
/// <param name="inputs">The number of them that it sees.</param>
/// <param name="hidden">H</param>
/// <param name="layers">The number of layers.</param>
/// <param name="outputs">The number of values in its result, D r.</param>
/// <param name="kernel">The arithmetic.</param>
internal sealed unsafe class FusedLongShortTermMemory(int values, int inputs, int hidden, int layers, int outputs, DenseKernel kernel)
{
    private const int Lanes = LaneGroups.Lanes;
    private readonly TapePool tapes = new();

    private int Field => hidden * Lanes;

    private int Seen(int layer) => layer == 0 ? inputs : hidden;

    private long Weights(int length) =>
        (long)length * 4 * hidden * (layers * hidden + inputs + (layers - 1) * hidden) + (long)outputs * hidden;

    /// <summary>Computes the result, <c>[rows, outputs]</c>.</summary>
    /// <param name="input">The window, <c>[rows, L, values]</c>, contiguous.</param>
    /// <param name="parameters">The parameters in order, contiguous; they do not change before <see cref="Backward"/>.</param>
    /// <returns>The result, and what the backward pass needs.</returns>
    public (Tensor Result, Tape Tape) Forward(Tensor input, IReadOnlyList<Tensor> parameters)
    {
        var places = new Places(input.Sizes(), inputs, hidden, layers, outputs);
        var tape = tapes.Rent((long)places.ForwardSize * places.Groups.Groups, input.Sizes());
        var result = empty([places.Groups.Batch, outputs], dtype: ScalarType.Float32);
        nint[] addresses = FusedResidualNetwork.Addresses(parameters);
        float* from = KernelMemory.Address<float>(input), to = KernelMemory.Address<float>(result);
        using var memory = new RentedMemory<float>(4L * hidden * layers);
        float* biases = memory.Start;
        for (int layer = 0; layer < layers; layer++)
            for (int i = 0; i < 4 * hidden; i++)
                biases[layer * 4 * hidden + i] = ((float*)addresses[4 * layer + 2])[i] + ((float*)addresses[4 * layer + 3])[i];
        SharedWork.ForEach(places.Groups.Groups, DenseKernel.TimeOfOne * Weights(places.Length) * Lanes, (first, end) =>
        {
            for (int group = (int)first; group < end; group++)
                ForwardGroup(places, group, tape.Start + (long)group * places.ForwardSize, addresses, biases, from, to);
        });
        GC.KeepAlive(input);
        GC.KeepAlive(parameters);
        return (result, tape);
    }

    private void ForwardGroup(Places places, int group, float* start, nint[] addresses, float* biases, float* from, float* to)
    {
        for (int k = 0; k < places.Length; k++)
            places.Groups.Pack(from + k * values, places.Length * values, inputs, group, places.Input(start, 0, k));
        for (int layer = 0; layer < layers; layer++)
            for (int k = 0; k < places.Length; k++)
            {
                float* gates = places.Gates(start, layer, k);
                kernel.Multiply(LeftFactor.Of((float*)addresses[4 * layer], Seen(layer)), places.Input(start, layer, k), Lanes, gates,
                    Lanes, 4 * hidden, Seen(layer), Lanes, biases + layer * 4 * hidden, adds: false);
                if (k > 0)
                    kernel.Multiply(LeftFactor.Of((float*)addresses[4 * layer + 1], hidden), places.Hidden(start, layer, k - 1), Lanes,
                        gates, Lanes, 4 * hidden, hidden, Lanes, null, adds: true);
                kernel.Remember(gates, k == 0 ? null : places.Cell(start, layer, k - 1), places.Cell(start, layer, k),
                    places.Squashed(start, layer, k), places.Hidden(start, layer, k), Field);
            }
        float* output = places.Output(start);
        kernel.Multiply(LeftFactor.Of((float*)addresses[4 * layers], hidden), places.Hidden(start, layers - 1, places.Length - 1), Lanes,
            output, Lanes, outputs, hidden, Lanes, (float*)addresses[4 * layers + 1], adds: false);
        places.Groups.Unpack(output, outputs, group, to, outputs);
    }

    /// <summary>Computes the sensitivities of the window, null if it is not wanted, and of the parameters.</summary>
    /// <param name="tape">The tape of the forward pass; it is released.</param>
    /// <param name="sensitivity">The sensitivity of the result, contiguous.</param>
    /// <param name="parameters">The parameters as in the forward pass.</param>
    /// <param name="wantsInput">Whether that of the window is wanted.</param>
    public (Tensor? Input, Tensor[] Parameters) Backward(Tape tape, Tensor sensitivity, IReadOnlyList<Tensor> parameters, bool wantsInput)
    {
        var places = new Places(tape.InputShape, inputs, hidden, layers, outputs);
        using var memory = new RentedMemory<float>((long)places.BackwardSize * places.Groups.Groups);
        float* back = memory.Start;
        // values that it does not see have no say
        var toInput = wantsInput ? zeros(tape.InputShape, dtype: ScalarType.Float32) : null;
        nint[] addresses = FusedResidualNetwork.Addresses(parameters);
        float* from = KernelMemory.Address<float>(sensitivity), to = toInput is null ? null : KernelMemory.Address<float>(toInput);
        SharedWork.ForEach(places.Groups.Groups, DenseKernel.TimeOfOne * Weights(places.Length) * Lanes, (first, end) =>
        {
            for (int group = (int)first; group < end; group++)
                BackwardGroup(places, group, tape.Start + (long)group * places.ForwardSize, back + (long)group * places.BackwardSize,
                    addresses, from, to);
        });

        var gradients = new Tensor[parameters.Count];
        for (int i = 0; i < gradients.Length; i++) gradients[i] = empty(parameters[i].Sizes(), dtype: ScalarType.Float32);
        nint[] targets = FusedResidualNetwork.Addresses(gradients);
        int shares = DenseKernel.Shares(4 * hidden), all = layers * shares;
        double time = DenseKernel.TimeOfOne * Weights(places.Length) * places.Groups.Batch / all;
        SharedWork.ForEach(all + DenseKernel.Shares(outputs), time, (first, end) =>
        {
            for (int piece = (int)first; piece < end; piece++)
                if (piece < all) CellGradient(places, piece / shares, piece % shares * DenseKernel.Share, back, targets);
                else OutputGradient(places, (piece - all) * DenseKernel.Share, back, targets);
        });
        for (int layer = 0; layer < layers; layer++)
            KernelMemory.Elements<float>(gradients[4 * layer + 2]).CopyTo(KernelMemory.Elements<float>(gradients[4 * layer + 3]));
        GC.KeepAlive(sensitivity);
        GC.KeepAlive(parameters);
        tapes.Release(tape);
        return (toInput, gradients);
    }

    private void BackwardGroup(Places places, int group, float* start, float* back, nint[] addresses, float* from, float* to)
    {
        int length = places.Length;
        float* toOutput = places.ToOutput(back), toCell = places.ToCell(back);
        places.Groups.Pack(from, outputs, outputs, group, toOutput);
        new Span<float>(places.ToHidden(back, 0), length * Field).Clear();
        kernel.Multiply(LeftFactor.Transposed((float*)addresses[4 * layers], hidden), toOutput, Lanes, places.ToHidden(back, length - 1),
            Lanes, hidden, outputs, Lanes, null, adds: false);
        LaneGroups.Transpose(places.Hidden(start, layers - 1, length - 1), hidden, places.LastRows(back));
        for (int layer = layers - 1; layer >= 0; layer--)
        {
            new Span<float>(toCell, Field).Clear();
            for (int k = length - 1; k >= 0; k--)
            {
                float* toGates = places.ToGates(back, layer, k), toHidden = places.ToHidden(back, k), seen = places.Input(start, layer, k);
                kernel.RememberBackward(places.Gates(start, layer, k), k == 0 ? null : places.Cell(start, layer, k - 1),
                    places.Squashed(start, layer, k), toHidden, toCell, toGates, Field);
                LaneGroups.Transpose(seen, Seen(layer), places.InputRows(back, layer, k));
                if (k > 0)
                {
                    LaneGroups.Transpose(places.Hidden(start, layer, k - 1), hidden, places.HiddenRows(back, layer, k));
                    kernel.Multiply(LeftFactor.Transposed((float*)addresses[4 * layer + 1], hidden), toGates, Lanes,
                        places.ToHidden(back, k - 1), Lanes, hidden, 4 * hidden, Lanes, null, adds: true);
                }
                if (layer == 0 && to is null) continue;
                // the sensitivity to the layer's input takes the place of that to its hidden values, which are done with
                float* toSeen = layer > 0 ? toHidden : places.ToSeen(back);
                kernel.Multiply(LeftFactor.Transposed((float*)addresses[4 * layer], Seen(layer)), toGates, Lanes, toSeen, Lanes,
                    Seen(layer), 4 * hidden, Lanes, null, adds: false);
                if (layer == 0) places.Groups.Unpack(toSeen, inputs, group, to + k * values, length * values);
            }
        }
    }

    private void CellGradient(Places places, int layer, int row, float* back, nint[] targets)
    {
        int rows = Math.Min(DenseKernel.Share, 4 * hidden - row), seen = Seen(layer);
        float* toSeen = (float*)targets[4 * layer] + (long)row * seen, toRecurrent = (float*)targets[4 * layer + 1] + (long)row * hidden;
        float* bias = (float*)targets[4 * layer + 2] + row;
        new Span<float>(bias, rows).Clear();
        if (places.Length == 1) new Span<float>(toRecurrent, rows * hidden).Clear();
        for (int group = 0; group < places.Groups.Groups; group++, back += places.BackwardSize)
            for (int k = 0; k < places.Length; k++)
            {
                float* toGates = places.ToGates(back, layer, k) + row * Lanes;
                var left = LeftFactor.Of(toGates, Lanes);
                int filled = places.Groups.Filled(group);
                kernel.Multiply(left, places.InputRows(back, layer, k), LaneGroups.Padded(seen), toSeen, seen, rows, filled, seen, null,
                    adds: group + k > 0);
                if (k > 0)
                    kernel.Multiply(left, places.HiddenRows(back, layer, k), LaneGroups.Padded(hidden), toRecurrent, hidden, rows, filled,
                        hidden, null, adds: group + k > 1);
                kernel.AddSums(toGates, Lanes, rows, Lanes, bias);
            }
    }

    private void OutputGradient(Places places, int row, float* back, nint[] targets)
    {
        int rows = Math.Min(DenseKernel.Share, outputs - row);
        float* weight = (float*)targets[4 * layers] + (long)row * hidden, bias = (float*)targets[4 * layers + 1] + row;
        new Span<float>(bias, rows).Clear();
        for (int group = 0; group < places.Groups.Groups; group++, back += places.BackwardSize)
        {
            float* toOutput = places.ToOutput(back) + row * Lanes;
            kernel.Multiply(LeftFactor.Of(toOutput, Lanes), places.LastRows(back), LaneGroups.Padded(hidden), weight, hidden, rows,
                places.Groups.Filled(group), hidden, null, adds: group > 0);
            kernel.AddSums(toOutput, Lanes, rows, Lanes, bias);
        }
    }

    /// <summary>Where the fields of a group lie: those that the forward pass keeps, and those of the backward pass.</summary>
    private readonly struct Places
    {
        private readonly int field, first, seen, perLayer, layers, backLayer, rowsOfHidden, rowsOfWidest, output;

        public Places(long[] window, int inputs, int hidden, int layers, int outputs)
        {
            (Groups, Length, field, this.layers) = (new((int)window[0]), (int)window[1], hidden * Lanes, layers);
            (first, output, seen) = (inputs * Lanes, outputs * Lanes, Length * inputs * Lanes);
            perLayer = 7 * Length * field;      // gates, cell, its tanh, hidden
            ForwardSize = seen + layers * perLayer + output;
            rowsOfHidden = Lanes * LaneGroups.Padded(hidden);
            rowsOfWidest = Math.Max(rowsOfHidden, Lanes * LaneGroups.Padded(inputs));
            backLayer = Length * (4 * field + rowsOfHidden + rowsOfWidest);
            BackwardSize = layers * backLayer + (Length + 1) * field + first + output + rowsOfHidden;
        }

        public LaneGroups Groups { get; }

        public int Length { get; }

        public int ForwardSize { get; }

        public int BackwardSize { get; }

        public float* Input(float* start, int layer, int k) => layer == 0 ? start + k * first : Hidden(start, layer - 1, k);

        public float* Gates(float* start, int layer, int k) => start + seen + layer * perLayer + k * 4 * field;

        public float* Cell(float* start, int layer, int k) => Gates(start, layer, Length) + k * field;

        public float* Squashed(float* start, int layer, int k) => Cell(start, layer, Length) + k * field;

        public float* Hidden(float* start, int layer, int k) => Squashed(start, layer, Length) + k * field;

        public float* Output(float* start) => start + seen + layers * perLayer;

        public float* ToGates(float* back, int layer, int k) => back + layer * backLayer + k * 4 * field;

        public float* InputRows(float* back, int layer, int k) => ToGates(back, layer, Length) + k * rowsOfWidest;

        public float* HiddenRows(float* back, int layer, int k) => InputRows(back, layer, Length) + k * rowsOfHidden;

        public float* ToHidden(float* back, int k) => back + layers * backLayer + k * field;

        public float* ToCell(float* back) => ToHidden(back, Length);

        public float* ToSeen(float* back) => ToCell(back) + field;

        public float* ToOutput(float* back) => ToSeen(back) + first;

        public float* LastRows(float* back) => ToOutput(back) + output;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The unrolled cycles of an optimiser step in one piece over plain memory: for each trajectory, with the model M, the network a and the
/// constants of <see cref="AnalysisStatistics"/>,
/// <code>
/// x_f = M(x_a),   s = H^T R^-1 (y - H x_f) / d,   x_a = x_f + (a((x_f - m) / sigma, s) + f s) / d,   cost = |(x_a - x) / unit|^2 / n
/// </code>
/// and backwards
/// <code>
/// l += 2 (x_a - x) / (unit^2 n),   (g, h) = a'^T (l / d),   l = M'^T (l + g / sigma - H^T R^-1 H (h + f l / d) / d)
/// </code>
/// Trajectories are computed in groups, which meet at each layer of the network, for the statistics of the batch. The numbers do not
/// depend on the number of threads.
/// </summary>
internal sealed unsafe class FusedCycles
{
    private const int Lanes = BlockedLayout.Lanes;

    private readonly FusedTraining parts;
    private readonly FusedResidualNetwork network;
    private readonly BlockedLayout layout;
    private readonly int batch, n, p, layers;
    private readonly float mean, deviation, innovationDeviation;
    private readonly bool readsForecast;
    private readonly List<FusedNetworkTape> tapes = [];
    private readonly nint[] addresses;
    private readonly FusedWeights weights;
    private readonly PinnedMemory transformed;
    private readonly double[] factorGradients;              // of each group
    private readonly Action<int, int> forward, backward;

    private PinnedMemory? memory;
    private float* states, truths, observations, exists, sensitivities, scratch;     // exists: 1 where observed, else 0; null: all are
    private double[] costs = [], times = [];                // of cycles and trajectories; of the model's steps
    private int[] starts = [];                              // of each cycle: its first step
    private long[]? waits;
    private int cycles, steps;
    private float factor;
    private double charged;
    private FusedBackwardPass pass = null!;

    /// <summary>Prepares the computation for a number of trajectories.</summary>
    public FusedCycles(FusedTraining parts, int batch)
    {
        (this.parts, network, this.batch) = (parts, parts.Layers.Network, batch);
        (n, p, layers) = (parts.Dimension, parts.Components.Length, network.Shape.Layers);
        layout = new BlockedLayout(batch, n, network.Shape.Kernel / 2);
        var statistics = parts.Network.Statistics;
        (mean, deviation, innovationDeviation) = ((float)statistics.StateMean, (float)statistics.StateDeviation,
            (float)statistics.InnovationDeviation);
        readsForecast = parts.Network.Options.Inputs != AnalysisInputs.InnovationOnly;
        addresses = new nint[network.ParameterShapes.Count];
        transformed = new((long)FusedWeights.Size(network.Shape, layout) * sizeof(float), cleared: false);
        weights = new(network.Shape, layout, addresses, (float*)transformed.Start);
        factorGradients = new double[layout.Groups];
        (forward, backward) = (Forward, Backward);
    }

    /// <summary>The number of trajectories.</summary>
    public int Batch => batch;

    /// <summary>The states after the last cycle, <c>[batch, n]</c>.</summary>
    public Span<float> Analysis => new(State(steps, 0), batch * n);

    /// <summary>The cost of the last cycle, <c>[batch]</c>.</summary>
    public ReadOnlySpan<double> LastCosts => costs.AsSpan((cycles - 1) * batch, batch);

    /// <summary>Whether all truths are finite.</summary>
    public bool HasFiniteTruths => FiniteNumbers.All(new ReadOnlySpan<float>(truths, cycles * batch * n));

    /// <summary>Takes the cycles of a step over; false if they are not for this computation.</summary>
    /// <param name="chunk">The cycles.</param>
    /// <param name="rows">The trajectories, <c>[batch]</c>; null = all.</param>
    /// <param name="start">Their states before the first cycle, one trajectory after the other of all that the view has.</param>
    /// <param name="time">The states' time.</param>
    /// <param name="waiting">The number of cycles during which each trajectory is not yet charged (null: none).</param>
    public bool Load(TrajectoryChunk chunk, Tensor? rows, Tensor start, double time, Tensor? waiting)
    {
        if (!KernelMemory.Holds(start) || start.dtype != ScalarType.Float32 || !start.is_contiguous()) return false;
        cycles = (int)chunk.Cycles;
        if (starts.Length <= cycles) starts = new int[cycles + 1];
        double before = time;
        for (int k = 0; k < cycles; k++)
        {
            if (chunk.NetworkOf(k) is not null) return false;
            long count = new TimeInterval(before, chunk.TimeOf(k)).Steps(parts.TimeStep);
            if (count < 1) return false;
            starts[k + 1] = checked(starts[k] + (int)count);
            before = chunk.TimeOf(k);
        }
        steps = starts[cycles];
        if (times.Length < steps) times = new double[steps];
        for (int k = 0; k < cycles; k++)
            for (int s = starts[k]; s < starts[k + 1]; s++)
                times[s] = (k == 0 ? time : chunk.TimeOf(k - 1)) + (s - starts[k]) * parts.TimeStep;
        if (costs.Length < cycles * batch) costs = new double[cycles * batch];
        Reserve(chunk.Has(Columns.ObservationMask));

        var order = rows is null ? default : KernelMemory.Elements<long>(rows);
        waits = waiting is null ? null : Waits(KernelMemory.Elements<long>(waiting), order);
        Gather(start, 0, order, n, State(0, 0));
        if (!Read(chunk[Columns.Truth], order, n, truths) || !Read(chunk[Columns.Observation], order, p, observations)) return false;
        if (exists is not null && !ReadMask(chunk[Columns.ObservationMask], order)) return false;
        GC.KeepAlive(rows);
        return FiniteNumbers.All(new ReadOnlySpan<float>(observations, cycles * batch * p));     // else the operators say which is not
    }

    /// <summary>Runs all cycles, and gives the mean cost of a charged cycle and trajectory; not a number if none is charged.</summary>
    public double Forward()
    {
        for (int i = 0; i < addresses.Length; i++) addresses[i] = (nint)KernelMemory.Address<float>(parts.Layers.Parameters[i]);
        factor = parts.Network.InnovationFactor is { } trained ? KernelMemory.Elements<float>(trained)[0] : 0;
        while (tapes.Count < cycles) tapes.Add(new FusedNetworkTape(network.Shape, layout, keeps: true));
        bool own = parts.Network.UsesOwnStatistics;
        for (int k = 0; k < cycles; k++)
        {
            tapes[k].OwnStatistics = own;
            if (!own) network.Normalise(tapes[k], weights, parts.Layers.Running);
        }
        SharedPhases.Run(network.Threads(layout, cycles), cycles * layers + 2, layout.Groups, forward);
        double sum = 0;
        long count = 0;
        for (int k = 0; k < cycles; k++)
            for (int b = 0; b < batch; b++)
                if (IsCharged(k, b))
                {
                    sum += costs[k * batch + b];
                    count++;
                }
        charged = count;
        return sum / count;
    }

    /// <summary>Computes the gradient of that cost into the parameters' gradients.</summary>
    public void Backward()
    {
        using var ofAll = pass = new FusedBackwardPass(network, layout, tapes[0].FieldSize, weights, wantsParameters: true);
        new Span<float>(sensitivities, batch * n).Clear();
        Array.Clear(factorGradients);
        SharedPhases.Run(network.Threads(layout, 2 * cycles), cycles * layers + 3, layout.Groups, backward);
        int[] offsets = network.ParameterOffsets;
        for (int i = 0; i < addresses.Length; i++)
            Write(parts.Layers.Parameters[i], new ReadOnlySpan<float>(pass.Gradient + offsets[i], offsets[i + 1] - offsets[i]));
        if (parts.Network.InnovationFactor is not { } trained) return;
        double sum = 0;
        foreach (double ofGroup in factorGradients) sum += ofGroup;
        Write(trained, [(float)sum]);
    }

    /// <summary>Moves the running statistics on by the batches of all cycles, in their order.</summary>
    public void MoveStatisticsOn()
    {
        if (!tapes[0].OwnStatistics) return;
        for (int k = 0; k < cycles; k++) network.MoveOn(tapes[k], parts.Layers.Running);
        foreach (var counter in parts.Layers.Counters) KernelMemory.Elements<long>(counter)[0] += cycles;
    }

    private void Write(Tensor parameter, ReadOnlySpan<float> gradient)
    {
        var held = parts.GradientOf(parameter);
        if (!held.IsEmpty) gradient.CopyTo(held);
    }

    private bool IsCharged(int cycle, int row) => waits is null || waits[row] <= cycle;

    private float* State(int step, int row) => states + ((long)step * batch + row) * n;

    private void Reserve(bool masked)
    {
        long size = (long)batch * n, observed = (long)cycles * batch * p;
        long numbers = (steps + 2L + cycles) * size + (masked ? 2 : 1) * observed + (long)layout.Groups * n;
        if (memory is null || memory.Length < numbers * sizeof(float)) memory = new(numbers * sizeof(float), cleared: false);
        states = (float*)memory.Start;
        truths = states + (steps + 1) * size;
        sensitivities = truths + cycles * size;
        observations = sensitivities + size;
        exists = masked ? observations + observed : null;
        scratch = observations + (masked ? 2 : 1) * observed;
    }

    private long[] Waits(ReadOnlySpan<long> all, ReadOnlySpan<long> order)
    {
        var taken = new long[batch];
        for (int b = 0; b < batch; b++) taken[b] = all[order.IsEmpty ? b : (int)order[b]];
        return taken;
    }

    // Rows of [cycles, trajectories, count] in single or double precision, in an order.
    private bool Read(Tensor values, ReadOnlySpan<long> order, int count, float* to)
    {
        if (!KernelMemory.Holds(values) || values.size(2) != count) return false;
        for (int k = 0; k < cycles; k++) Gather(values, k * values.size(1) * count, order, count, to + (long)k * batch * count);
        return true;
    }

    private void Gather(Tensor values, long from, ReadOnlySpan<long> order, int count, float* to)
    {
        if (values.dtype == ScalarType.Float32) Gather(KernelMemory.Elements<float>(values)[(int)from..], order, count, to);
        else Gather(KernelMemory.Elements<double>(values)[(int)from..], order, count, to);
    }

    private void Gather<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> order, int count, float* to)
        where T : unmanaged, INumber<T>
    {
        for (int b = 0; b < batch; b++)
        {
            var row = values.Slice((order.IsEmpty ? b : (int)order[b]) * count, count);
            var target = new Span<float>(to + (long)b * count, count);
            if (typeof(T) == typeof(float)) MemoryMarshal.Cast<T, float>(row).CopyTo(target);
            else for (int i = 0; i < count; i++) target[i] = float.CreateTruncating(row[i]);
        }
    }

    // Where nothing is observed, the value is zero whatever it was.
    private bool ReadMask(Tensor mask, ReadOnlySpan<long> order)
    {
        if (mask.dtype != ScalarType.Bool || mask.device_type != DeviceType.CPU) return false;
        var flags = KernelMemory.Elements<byte>(mask);
        int all = (int)mask.size(1);
        for (int k = 0, at = 0; k < cycles; k++)
            for (int b = 0; b < batch; b++)
                for (int j = 0; j < p; j++, at++)
                {
                    bool observed = flags[(k * all + (order.IsEmpty ? b : (int)order[b])) * p + j] != 0;
                    exists[at] = observed ? 1 : 0;
                    if (!observed) observations[at] = 0;
                }
        return true;
    }

    // Between the layers of a cycle stand its end and the beginning of the next.
    private void Forward(int phase, int group)
    {
        if (phase == 0)
        {
            weights.Prepare(group, layout.Groups);
            return;
        }
        int cycle = (phase - 1) / layers, layer = (phase - 1) % layers;
        if (layer == 0)
        {
            if (cycle > 0) Analyse(cycle - 1, group);
            if (cycle == cycles) return;
            Forecast(cycle, group);
        }
        network.Layer(tapes[cycle], layer, weights, group);
    }

    private void Backward(int phase, int group)
    {
        if (phase == 0) pass.Begin(group);
        else if (phase == cycles * layers + 2) pass.Total(group);
        else
        {
            int done = (phase - 1) / layers, layer = layers - (phase - 1) % layers;
            if (layer < layers) pass.Layer(tapes[cycles - 1 - done], layer, group);
            else
            {
                if (done > 0)
                {
                    pass.Layer(tapes[cycles - done], 0, group);
                    ForecastBackward(cycles - done, group);
                }
                if (done < cycles) AnalyseBackward(cycles - 1 - done, group);
            }
        }
    }

    // A group's first trajectory, and the number of them.
    private (int First, int Count) Rows(int group) => (group * Lanes, layout.Filled(group));

    // The model's steps, and the network's packed input.
    private void Forecast(int cycle, int group)
    {
        var (first, filled) = Rows(group);
        for (int s = starts[cycle]; s < starts[cycle + 1]; s++)
            parts.Model.Step(new(State(s, first), filled * n), new(State(s + 1, first), filled * n), times[s]);

        float* input = FusedResidualNetwork.Inner(layout, tapes[cycle].Input(group));
        float* innovation = readsForecast ? input + layout.Row : input;
        float* scaled = scratch + (long)group * n;
        for (int lane = 0; lane < filled; lane++)
        {
            int row = first + lane;
            float* x = State(starts[cycle + 1], row);
            long at = ((long)cycle * batch + row) * p;
            new Span<float>(scaled, n).Clear();
            for (int j = 0; j < p; j++)
            {
                int i = parts.Components[j];
                float d = (observations[at + j] - x[i]) * parts.InverseVariances[j];
                scaled[i] += exists is null ? d : d * exists[at + j];
            }
            for (int i = 0; i < n; i++) innovation[i * Lanes + lane] = scaled[i] / innovationDeviation;
            if (readsForecast) for (int i = 0; i < n; i++) input[i * Lanes + lane] = (x[i] - mean) / deviation;
        }
        layout.Close(tapes[cycle].Input(group), network.Shape.Inputs);
    }

    // The increment, which makes the forecast the analysis, and its cost.
    private void Analyse(int cycle, int group)
    {
        network.Layer(tapes[cycle], layers, weights, group);
        var (first, filled) = Rows(group);
        float* output = FusedResidualNetwork.Inner(layout, tapes[cycle].Output(group)), innovation = Innovation(cycle, group);
        for (int lane = 0; lane < filled; lane++)
        {
            float* x = State(starts[cycle + 1], first + lane), truth = truths + ((long)cycle * batch + first + lane) * n;
            double sum = 0;
            for (int i = 0; i < n; i++)
            {
                x[i] += (output[i * Lanes + lane] + factor * innovation[i * Lanes + lane]) / innovationDeviation;
                double error = (x[i] - truth[i]) / parts.Unit;
                sum += error * error;
            }
            costs[cycle * batch + first + lane] = sum / n;
        }
    }

    private void AnalyseBackward(int cycle, int group)
    {
        var (first, filled) = Rows(group);
        float* packed = pass.Ends(group), sensitivity = FusedResidualNetwork.Inner(layout, packed), innovation = Innovation(cycle, group);
        if (filled < Lanes) new Span<float>(sensitivity, layout.InnerRow).Clear();
        double ofFactor = 0;
        for (int lane = 0; lane < filled; lane++)
        {
            int row = first + lane;
            float* x = State(starts[cycle + 1], row), truth = truths + ((long)cycle * batch + row) * n, l = sensitivities + (long)row * n;
            float slope = IsCharged(cycle, row) ? (float)(2 / (parts.Unit * parts.Unit * n * charged)) : 0;
            for (int i = 0; i < n; i++)
            {
                l[i] += slope * (x[i] - truth[i]);
                float ofOutput = l[i] / innovationDeviation;
                sensitivity[i * Lanes + lane] = ofOutput;
                ofFactor += ofOutput * innovation[i * Lanes + lane];
            }
        }
        factorGradients[group] += ofFactor;
        layout.Close(packed, network.Shape.Outputs);
        pass.Decoder(tapes[cycle], group);
    }

    private void ForecastBackward(int cycle, int group)
    {
        var (first, filled) = Rows(group);
        float* ofInput = FusedResidualNetwork.Inner(layout, pass.Ends(group)), ofInnovation = readsForecast ? ofInput + layout.Row
            : ofInput;
        float* scaled = scratch + (long)group * n;
        for (int lane = 0; lane < filled; lane++)
        {
            int row = first + lane;
            float* l = sensitivities + (long)row * n;
            long at = ((long)cycle * batch + row) * p;
            for (int i = 0; i < n; i++)
            {
                scaled[i] = (ofInnovation[i * Lanes + lane] + factor * l[i] / innovationDeviation) / innovationDeviation;
                if (readsForecast) l[i] += ofInput[i * Lanes + lane] / deviation;
            }
            for (int j = 0; j < p; j++)
            {
                int i = parts.Components[j];
                float d = parts.InverseVariances[j] * scaled[i];
                l[i] -= exists is null ? d : d * exists[at + j];
            }
        }
        for (int s = starts[cycle + 1] - 1; s >= starts[cycle]; s--)
            parts.Model.StepAdjoint(new(State(s, first), filled * n), new(sensitivities + (long)first * n, filled * n), times[s]);
    }

    private float* Innovation(int cycle, int group) =>
        FusedResidualNetwork.Inner(layout, tapes[cycle].Input(group)) + (readsForecast ? layout.Row : 0);
}

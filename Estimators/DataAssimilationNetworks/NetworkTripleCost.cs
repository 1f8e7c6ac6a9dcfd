using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The cross-entropy of a data assimilation network in training (Boudier et al. eq. 4.3). On the processor and in single precision it
/// unrolls the cycles of a step in one piece: the networks without a graph, then all densities at once.
/// </summary>
/// <param name="parts">The networks.</param>
/// <param name="cost">The cost of a cycle.</param>
internal sealed class NetworkTripleCost(NetworkTriple parts, CrossEntropy cost) : ICyclesInOnePiece<VectorMemory>
{
    private readonly FusedNetworkTriple fused = new(parts.Shape, DenseKernel.Best);
    private readonly IReadOnlyList<Tensor> parameters =
        [.. parts.Propagater.Network.Ordered, parts.Procoder.Layer.weight!, parts.Procoder.Layer.bias!, .. parts.Analyzer.Network.Ordered];
    private Tensor? numbers;    // of the step under way

    /// <summary>The cost of each trajectory, <c>[batch]</c>.</summary>
    public Tensor Of(VectorMemory forecast, VectorMemory analysis, ITrajectoryCursor cycle) =>
        cost.Of(parts.Procoder.Decode(forecast), parts.Procoder.Decode(analysis), cycle[Columns.Truth]);

    /// <inheritdoc/>
    public UnrolledCycles<VectorMemory>? Along(TrajectoryChunk chunk, Tensor? rows, VectorMemory memory, double time, Tensor? waiting)
    {
        if (!Serves(chunk, memory, time)) return null;
        var values = Cycles(Columns.Observation);
        if (!FiniteNumbers.All(values)) return null;                                    // the operators' path says which
        using var phase = Telemetry.Phase(Telemetry.NetworkForward);
        var observed = parts.Analyzer.Complete(values.to(memory.Vector.dtype));
        (numbers, var last) = fused.Forward(KernelMemory.Contiguous(memory.Vector), KernelMemory.Contiguous(observed), parameters);
        numbers.requires_grad_();                                                       // [2, cycles, batch, numbers]
        var truths = Cycles(Columns.Truth);
        var costs = cost.Of(parts.Procoder.Density(numbers[0].flatten(0, 1)), parts.Procoder.Density(numbers[1].flatten(0, 1)),
            truths.flatten(0, 1)).view(chunk.Cycles, -1);
        Tensor loss;
        if (waiting is null) loss = costs.mean();
        else
        {
            var charged = waiting <= arange(chunk.Cycles).unsqueeze(1);                 // [cycles, batch]
            loss = where(charged, costs, zeros_like(costs)).sum() / charged.sum();
        }
        return new(new VectorMemory(last), costs[(int)chunk.Cycles - 1], loss, truths.sum());

        Tensor Cycles(Column column)
        {
            var all = chunk[column].narrow(0, 0, chunk.Cycles);
            return rows is null ? all : all.index_select(1, rows);
        }
    }

    /// <inheritdoc/>
    public void BackPropagate(Tensor loss)
    {
        Differentiation.BackPropagate(loss, "The cost");
        Tensor?[] gradients = [.. parameters.Select(parameter => parameter.requires_grad ? GradientOf(parameter) : null)];
        fused.Backward(KernelMemory.Contiguous(numbers!.grad!), parameters, gradients);
        numbers = null;
    }

    private static Tensor GradientOf(Tensor parameter)
    {
        if (parameter.grad is null) parameter.grad = zeros_like(parameter).DetachFromDisposeScope();
        return parameter.grad!;
    }

    private bool Serves(TrajectoryChunk chunk, VectorMemory memory, double time)
    {
        if (parts.Computation != NetworkComputation.Automatic || chunk.Has(Columns.ObservationMask)) return false;
        if (parameters.FirstOrDefault(parameter => parameter.requires_grad) is not { } learning
            || !DenseKernel.Serves(learning, memory.Vector)) return false;
        if (memory.Vector.ndim != 2 || memory.Vector.size(1) != parts.Analyzer.MemorySize
            || chunk[Columns.Observation].size(2) != parts.Analyzer.ObservationMean.Length) return false;
        for (int cycle = 0; cycle < chunk.Cycles; cycle++)
        {
            double steps = (chunk.TimeOf(cycle) - time) / parts.Propagater.TimeStep;
            if (Math.Abs(steps - 1) > 1e-6 || chunk.NetworkOf(cycle) is not null) return false;
            time = chunk.TimeOf(cycle);
        }
        return true;
    }
}

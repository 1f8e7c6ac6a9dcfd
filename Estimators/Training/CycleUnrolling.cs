using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The result of the unrolled cycles of an optimiser step.</summary>
/// <param name="Analysis">The memory after the last cycle.</param>
/// <param name="LastCost">The cost of the last cycle, <c>[batch]</c>.</param>
/// <param name="Loss">The mean cost of all cycles and trajectories.</param>
/// <param name="Truths">The sum of the truths: finite if they are.</param>
internal readonly record struct UnrolledCycles<TMemory>(TMemory Analysis, Tensor LastCost, Tensor Loss, Tensor Truths);

/// <summary>A cost that can unroll the cycles of an optimiser step in one piece, instead of operator by operator.</summary>
internal interface ICyclesInOnePiece<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Runs from a memory over all cycles of a chunk; null if that cannot be in one piece.</summary>
    /// <param name="chunk">The cycles.</param>
    /// <param name="rows">The trajectories, null = all.</param>
    /// <param name="memory">Their memory before the first.</param>
    /// <param name="time">The memory's time.</param>
    /// <param name="waiting">The number of cycles during which each trajectory is not yet charged, <c>[batch]</c>, null = none.</param>
    UnrolledCycles<TMemory>? Along(TrajectoryChunk chunk, Tensor? rows, TMemory memory, double time, Tensor? waiting);

    /// <summary>Computes the gradient of the loss of the last <see cref="Along"/> into that of each parameter that learns.</summary>
    void BackPropagate(Tensor loss);
}

/// <summary>Assimilates along the cycles of an optimiser step, as a graph for back-propagation.</summary>
internal sealed class CycleUnrolling<TMemory>(string name, AssimilationTriple<TMemory> triple, TrajectorySchema schema,
    AnalysisCost<TMemory> cost, RandomStream random)
    where TMemory : IMemory<TMemory>
{
    private readonly bool hasTruth = schema.Has(Columns.Truth);

    /// <summary>Runs from a memory over all cycles of a cursor.</summary>
    /// <param name="cycles">The cursor, before the first.</param>
    /// <param name="memory">The memory before the first cycle.</param>
    /// <param name="time">The memory's time.</param>
    /// <param name="waiting">The number of cycles during which each trajectory is not yet charged, <c>[batch]</c> (default: null, none).
    /// The loss is the mean over the charged cycles, not a number if there are none.</param>
    /// <exception cref="ArgumentException">An observation is infinite or not a number.</exception>
    public UnrolledCycles<TMemory> Along(ITrajectoryCursor cycles, TMemory memory, double time, Tensor? waiting = null)
    {
        var analysis = memory;
        Tensor? total = null, truths = null, costs = null, charged = null;
        long count = 0;
        for (; cycles.MoveNext(); count++)
        {
            var observation = cycles.ReadObservation(schema, analysis.Tensors.First(), name);
            (analysis, costs) = Cycle(analysis, new TimeInterval(time, cycles.Time), observation, cycles);
            total = Sum(total, waiting is null ? costs : where(waiting <= count, costs, zeros_like(costs)));
            if (waiting is not null) charged = Sum(charged, (waiting <= count).sum());
            if (hasTruth) truths = Sum(truths, cycles[Columns.Truth].sum());
            time = cycles.Time;
        }
        truths ??= zeros([]);
        return new(analysis, costs!, charged is null ? total!.mean() / count : total!.sum() / charged, truths);
    }

    /// <summary>Runs from a memory over the cursor's current cycle, uncharged.</summary>
    /// <param name="cycle">The cursor.</param>
    /// <param name="memory">The memory before the cycle.</param>
    /// <param name="time">The memory's time.</param>
    /// <exception cref="ArgumentException">An observation is infinite or not a number.</exception>
    public TMemory Over(ITrajectoryCursor cycle, TMemory memory, double time)
    {
        var observation = cycle.ReadObservation(schema, memory.Tensors.First(), name);
        return triple.AnalyzerOf(observation)
            .Analyze(triple.Propagater.Propagate(memory, new TimeInterval(time, cycle.Time), random), observation, random);
    }

    private (TMemory Analysis, Tensor Costs) Cycle(TMemory memory, TimeInterval interval, Observation observation, ITrajectoryCursor cycle)
    {
        TMemory forecast;
        using (Telemetry.Phase(Telemetry.Model)) forecast = triple.Propagater.Propagate(memory, interval, random);
        using var phase = Telemetry.Phase(Telemetry.NetworkForward);
        var analysis = triple.AnalyzerOf(observation).Analyze(forecast, observation, random);
        return (analysis, cost(forecast, analysis, cycle));
    }

    private static Tensor Sum(Tensor? sum, Tensor next) => sum is null ? next : sum + next;
}

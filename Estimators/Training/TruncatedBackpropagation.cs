using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The result of an optimiser step before the weights change; the parameters hold the clipped gradients.</summary>
/// <param name="Analysis">The memory after the last cycle, without its history; fresh tensors.</param>
/// <param name="Diverged">The trajectories to restart, <c>[batch]</c>.</param>
/// <param name="Restarts">The number of these.</param>
/// <param name="Loss">The mean cost.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Truths">Finite if the truths are, or if loss or gradient are non-finite.</param>
internal readonly record struct StepOutcome<TMemory>(TMemory Analysis, Tensor Diverged, long Restarts, double Loss, double GradientNorm,
    double Truths);

/// <summary>
/// Truncated back-propagation through time (Tang and Glass 2018; Bocquet et al. 2024, section II B) of any triple whose parts have
/// parameters: an assimilation runs along the training trajectories, every optimiser step unrolls N_iter of its cycles, and the memory is
/// carried on without its gradient. A view that ends is started again. If a batch is smaller than the view's trajectories, all of these
/// go through the same N_iter cycles batch by batch, in an order drawn anew each time, before any continues; every trajectory has its own
/// memory.
/// </summary>
/// <remarks>
/// Early in training an assimilation may diverge. A trajectory whose cost at the end of a step is not below the bound restarts, and a
/// step whose loss or gradient is non-finite changes neither weights nor batch-norm statistics. To let a network learn even if its
/// initial weights diverge, training begins with one cycle per step; each finite step doubles the number up to N_iter, each non-finite
/// one halves it. With a <see cref="TrainingOptions.BurnIn"/> trajectories run that long without being charged: all together from the
/// view's start, and each restarted one along with the others.
/// </remarks>
internal sealed class TruncatedBackpropagation<TMemory> : IOptimiserSteps, IDisposable where TMemory : IMemory<TMemory>
{
    private const int SkippedLimit = 100;

    private readonly string name;
    private readonly AssimilationTriple<TMemory> triple;
    private readonly ITrajectoryView view;
    private readonly double divergedCost;
    private readonly TrainingOptions options;
    private readonly RandomStream random, order;
    private readonly CostUnit unit;
    private readonly long batch;
    private readonly CycleUnrolling<TMemory> unrolling;
    private readonly Parameter[] parameters;
    private readonly (Tensor Buffer, Tensor Copy)[] buffers;
    private readonly ResidualConvolutionTrunk[] trunks;
    private readonly Adam optimizer;
    private ITrajectoryCursor cursor;
    private TrajectoryChunk? chunk;
    private TMemory memory;
    private Tensor? waiting;    // the cycles that each trajectory still runs uncharged, [trajectories]; null = none
    private bool atStart;       // whether nothing has been read from the view since its start
    private double time;
    private int skippedInARow;
    private long unrolled = 1;

    /// <summary>Prepares the first step.</summary>
    /// <param name="name">The name of the trained object, for messages.</param>
    /// <param name="triple">The method, built on <paramref name="network"/>.</param>
    /// <param name="network">The module with the parameters; it is in training mode during a step.</param>
    /// <param name="view">The training trajectories.</param>
    /// <param name="cost">The cost of an analysis.</param>
    /// <param name="divergedCost">The cost from which on a trajectory counts as diverged, for a unit of one.</param>
    /// <param name="options">Truncation, batch size and clipping.</param>
    /// <param name="random">The stream that the triple draws from; owned by the caller.</param>
    /// <param name="unit">The unit of the errors in the cost (default: null, one).</param>
    /// <exception cref="ArgumentException">The batch has more trajectories than the view.</exception>
    public TruncatedBackpropagation(string name, AssimilationTriple<TMemory> triple, nn.Module network, ITrajectoryView view,
        AnalysisCost<TMemory> cost, double divergedCost, TrainingOptions options, RandomStream random, CostUnit? unit = null)
    {
        this.unit = unit ?? new(1);
        (this.name, this.triple, this.view, this.divergedCost, this.options, this.random) = (name, triple, view, divergedCost, options,
            random);
        unrolling = new(name, triple, view.Schema, cost, random);
        batch = options.BatchSize ?? view.Schema.Batch;
        if (batch > view.Schema.Batch)
            throw new ArgumentException(
                $"A batch of {batch} trajectories cannot be taken from the training view of {name}, which has {view.Schema.Batch}.");
        order = random.Derive("batches");
        parameters = [.. network.parameters().Where(parameter => parameter.requires_grad)];
        buffers = [.. network.buffers().Select(buffer => (buffer, buffer.detach().clone().DetachFromDisposeScope()))];
        trunks = [.. network.modules().OfType<ResidualConvolutionTrunk>()];
        optimizer = new Adam(parameters, options.LearningRate);
        cursor = view.OpenCursor();
        memory = Start();
    }

    /// <summary>The usual remedies for a training that gives no finite loss.</summary>
    internal const string TrainingRemedy =
        "A smaller learning rate, clipped gradients or a shorter truncation are the usual remedies for a network; " +
        "a model and an operator must be defined for all states that they meet.";

    /// <summary>The number of times that the view was started again.</summary>
    public long Epoch { get; private set; }

    /// <summary>Makes one optimiser step of Adam at a learning rate.</summary>
    /// <exception cref="ArgumentException">A truth or an observation is infinite or not a number.</exception>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    public OptimiserStep Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        foreach (var group in optimizer.ParamGroups) group.LearningRate = learningRate;

        if (chunk is null) ReadChunk();
        var rows = chunk!.Take(batch);
        var outcome = Take(rows);
        bool finite = double.IsFinite(outcome.Loss) && double.IsFinite(outcome.GradientNorm);
        if (!double.IsFinite(outcome.Truths)) RefuseData(rows);
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        if (finite) optimizer.step();
        else RestoreStatistics();
        skippedInARow = finite ? 0 : skippedInARow + 1;
        unrolled = finite ? Math.Min(2 * unrolled, options.Truncation) : Math.Max(unrolled / 2, 1);
        if (skippedInARow == SkippedLimit)
            throw new DivergenceException($"The training of {name}", $"last of {SkippedLimit} optimiser steps without a finite loss",
                cursor.Cycle, cursor.Time,
                Origin(rows), TrainingRemedy);
        CarryOn(outcome, rows);
        if (chunk.IsUsedUp) ReleaseChunk();
        return new OptimiserStep(finite ? outcome.Loss : double.NaN, outcome.GradientNorm, outcome.Restarts);
    }

    /// <summary>
    /// Saves everything that the next step depends on in addition to the network: memory, random numbers, optimiser, position in the
    /// view.
    /// </summary>
    public void Save(ComponentWriter writer)
    {
        writer.Set("costUnit", unit.Value);
        writer.Set("epoch", Epoch);
        writer.Set("cycle", cursor.Cycle);
        writer.Set("time", time);
        writer.Set("skippedInARow", skippedInARow);
        writer.Set("unrolled", unrolled);
        writer.Set("atStart", atStart);
        writer.Set("isWaiting", waiting is not null);
        if (waiting is not null) writer.Tensor("waiting", waiting);
        int index = 0;
        foreach (var part in memory.Tensors) writer.Tensor($"memory{index++}", part);
        writer.Tensor("random", random.Capture());
        writer.Tensor("orderRandom", order.Capture());
        writer.Set("chunkCycles", chunk?.Cycles ?? 0);
        if (chunk is not null)
        {
            writer.Set("chunkUsed", chunk.Used);
            writer.Tensor("chunkOrder", chunk.Order!);
        }
        optimizer.Save(writer);
    }

    /// <summary>
    /// Restores the state at <see cref="Save"/>. The view is read again up to that position, which gives the same cycles to the bit.
    /// </summary>
    public void Load(ComponentReader reader)
    {
        using var scope = NewDisposeScope();
        unit.Value = reader.Version == 1 ? 1 : reader.Get<double>("costUnit");
        Epoch = reader.Get<long>("epoch");
        time = reader.Get<double>("time");
        skippedInARow = reader.Get<int>("skippedInARow");
        unrolled = reader.Get<long>("unrolled");
        atStart = reader.Get<bool>("atStart");
        if (reader.Get<bool>("isWaiting")) waiting = reader.Tensor("waiting").DetachFromDisposeScope();
        int index = 0;
        var saved = memory.Map(part =>
        {
            var tensor = reader.Tensor($"memory{index++}");
            return Require.Shape(tensor, "The memory of a checkpoint", part.Sizes());
        });
        memory.Release();
        memory = saved;
        using (var state = reader.Tensor("random")) random.Restore(state.cpu());
        using (var state = reader.Tensor("orderRandom")) order.Restore(state.cpu());
        optimizer.Load(reader);
        long cycle = reader.Get<long>("cycle"), chunkCycles = reader.Get<long>("chunkCycles");
        cursor.Dispose();
        cursor = view.OpenCursor();
        while (cursor.Cycle < cycle - Math.Max(0, chunkCycles - 1))
            if (!cursor.MoveNext())
                throw new ModelArchiveException(
                    $"The checkpoint stopped at cycle {cycle} of its training view, but this one ends after cycle {cursor.Cycle}.");
        if (chunkCycles == 0) return;
        chunk = new TrajectoryChunk(cursor, view.Schema, chunkCycles)
            { Used = reader.Get<long>("chunkUsed"), Order = reader.Tensor("chunkOrder") };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cursor.Dispose();
        chunk?.Dispose();
        order.Dispose();
        memory.Release();
        waiting?.Dispose();
        optimizer.Dispose();
        foreach (var (_, copy) in buffers) copy.Dispose();
    }

    // As many cycles as are due, or as an epoch still has.
    private void ReadChunk()
    {
        if (atStart) RunIn();
        if (!cursor.MoveNext()) BeginEpoch();
        chunk = new TrajectoryChunk(cursor, view.Schema, unrolled);
        if (batch == view.Schema.Batch) return;
        using var draws = order.Uniform([view.Schema.Batch], ScalarType.Float64);
        chunk.Order = draws.argsort(0).DetachFromDisposeScope();
    }

    private void ReleaseChunk()
    {
        time = chunk!.EndTime;
        chunk.Dispose();
        chunk = null;
    }

    // The chunk's cycles for some trajectories, and the back-propagation through them.
    private StepOutcome<TMemory> Take(Tensor? rows)
    {
        var before = rows is null ? memory : memory.Map(part => part.index_select(0, rows));
        KeepStatistics();
        using var cycles = chunk!.Open(rows);
        var waits = rows is null ? waiting : waiting?.index_select(0, rows);
        var (analysis, lastCost, loss, truths) = Unroll(cycles, before, waits);
        optimizer.zero_grad();
        using (Telemetry.Phase(Telemetry.Backward)) Differentiation.BackPropagate(loss, "The cost");
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        double norm = optimizer.ClipGradient(options.GradientClip);
        double value = loss.ToDouble();
        using var noGradients = no_grad();
        // [batch]; a cost that is not a number is not below
        var diverged = (lastCost < divergedCost / (unit.Value * unit.Value)).logical_not();
        if (waits is not null) diverged &= (waits < chunk.Cycles) | lastCost.isfinite().logical_not();   // one in spin-up may be far off
        return new(analysis.Detach(), diverged, diverged.sum().ToInt64(), value, norm, double.IsFinite(value) && double.IsFinite(norm) ? 0
            : truths.ToDouble());
    }

    private UnrolledCycles<TMemory> Unroll(ITrajectoryCursor cycles, TMemory before, Tensor? waits)
    {
        foreach (var trunk in trunks) trunk.Pack();
        try { return unrolling.Along(cycles, before, time, waits); }
        finally { foreach (var trunk in trunks) trunk.Unpack(); }
    }

    // Trajectories in spin-up have come nearer to being charged; restarted ones begin their spin-up.
    private void Wait(StepOutcome<TMemory> outcome, Tensor? rows)
    {
        if (waiting is null && outcome.Restarts == 0) return;
        using var scope = NewDisposeScope();
        var waits = waiting is null ? zeros([view.Schema.Batch], dtype: ScalarType.Int64, device: outcome.Diverged.device) : waiting;
        var part = ((rows is null ? waits : waits.index_select(0, rows)) - chunk!.Cycles).clamp_min(0);
        part = where(outcome.Diverged, full_like(part, options.BurnIn), part);
        var all = rows is null ? part : waits.index_copy(0, rows, part);
        waiting?.Dispose();
        waiting = all.max().ToInt64() > 0 ? all.DetachFromDisposeScope() : null;
    }

    private void KeepStatistics()
    {
        using var noGradients = no_grad();
        foreach (var (buffer, copy) in buffers) copy.copy_(buffer);
    }

    private void RestoreStatistics()
    {
        using var noGradients = no_grad();
        foreach (var (buffer, copy) in buffers) buffer.copy_(copy);
    }

    // The first part of the triple with non-finite output, along the cycles of the step.
    private string Origin(Tensor? rows)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var state = rows is null ? memory : memory.Map(part => part.index_select(0, rows));
        using var cycles = chunk!.Open(rows);
        for (double now = time; cycles.MoveNext(); now = cycles.Time)
        {
            try
            {
                if (cycles.Time > now) state = triple.Propagater.Propagate(state, new TimeInterval(now, cycles.Time), random);
                if (Lost(state)) return $"the model '{triple.Propagater.Name}' gave values that are not finite in cycle {cycles.Cycle}";
                var observation = cycles.ReadObservation(view.Schema, state.Tensors.First(), name);
                var analyzer = triple.AnalyzerOf(observation);
                if (NonFiniteOrigin.OfOperator(analyzer.Observes, state, observation) is { } found)
                    return $"{found} in cycle {cycles.Cycle}";
                state = analyzer.Analyze(state, observation, random);
                if (Lost(state)) return $"the network of '{analyzer.Name}' gave values that are not finite in cycle {cycles.Cycle}";
            }
            catch (Exception failed)
            when (NonFiniteOrigin.IsNumerical(failed)) { return $"cycle {cycles.Cycle} failed: {NonFiniteOrigin.Told(failed)}"; }
        }
        return "the loss or its gradient is not finite, though the states are";

        static bool Lost(TMemory memory) => !memory.Tensors.All(FiniteNumbers.All);
    }

    // Only a sum was checked; the cycles show which value it was.
    private void RefuseData(Tensor? rows)
    {
        using var cycles = chunk!.Open(rows);
        while (cycles.MoveNext()) cycles.ReadObservation(view.Schema, memory.Tensors.First(), name);
        throw new ArgumentException(
            $"The truth on which {name} is trained is infinite or not a number in cycle {cursor.Cycle} or up to {options.Truncation} " +
                $"before it.");
    }

    private void BeginEpoch()
    {
        cursor.Dispose();
        cursor = view.OpenCursor();
        memory.Release();
        memory = Start();
        Epoch++;
        RunIn();
        if (!cursor.MoveNext())
            throw new ArgumentException(
                $"The training view of {name} has " +
                    $"{(options.BurnIn == 0 ? "no cycle" : $"no cycle after the burn-in of {options.BurnIn}")}.");
    }

    // The burn-in of all trajectories at the view's start. Its effect on batch-norm statistics is undone.
    private void RunIn()
    {
        atStart = false;
        if (options.BurnIn == 0) return;
        using var noGradients = no_grad();
        KeepStatistics();
        for (long k = 0; k < options.BurnIn && cursor.MoveNext(); k++)
        {
            using var scope = NewDisposeScope();
            var next = unrolling.Over(cursor, memory, time);
            memory.Release();
            memory = next.Keep();
            time = cursor.Time;
        }
        RestoreStatistics();
    }

    private TMemory Start()
    {
        time = view.RequireStartTime(name);
        atStart = true;
        waiting?.Dispose();
        waiting = null;
        using var noGradients = no_grad();
        var start = triple.Source.Start(view.Schema.Batch, random);
        return (batch < view.Schema.Batch ? start.Map(part => part.clone()) : start).Keep();   // batches overwrite their rows
    }

    private void CarryOn(StepOutcome<TMemory> outcome, Tensor? rows)
    {
        using var noGradients = no_grad();
        if (options.BurnIn > 0) Wait(outcome, rows);
        var next = outcome.Analysis;
        if (outcome.Restarts > 0)
        {
            using var fresh = triple.Source.Start(outcome.Diverged.size(0), random).Tensors.GetEnumerator();
            next = next.Map(part =>
            {
                fresh.MoveNext();
                return where(outcome.Diverged.view([-1, .. Enumerable.Repeat(1L, (int)part.ndim - 1)]), fresh.Current, part);
            });
        }
        if (rows is null)
        {
            memory.Release();
            memory = next.Keep();
            return;
        }
        using var values = next.Tensors.GetEnumerator();
        foreach (var part in memory.Tensors)
        {
            values.MoveNext();
            part.index_copy_(0, rows, values.Current);
        }
    }
}

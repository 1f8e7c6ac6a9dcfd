using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

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
internal sealed class TruncatedBackpropagation<TMemory> : OptimiserSteps where TMemory : IMemory<TMemory>
{
    private readonly AssimilationTriple<TMemory> triple;
    private readonly ITrajectoryView view;
    private readonly double divergedCost;
    private readonly TrainingOptions options;
    private readonly RandomStream random, order;
    private readonly CostUnit unit;
    private readonly long batch;
    private readonly CycleUnrolling<TMemory> unrolling;
    private readonly FusedTraining? fused;      // null: by tensor operators
    private readonly ICyclesInOnePiece<TMemory>? inOnePiece;    // null: there is none such
    private readonly (Tensor Buffer, Tensor Copy)[] buffers;
    private readonly ResidualConvolutionTrunk[] trunks;
    private ITrajectoryCursor cursor;
    private TrajectoryChunk? chunk, usedChunk;     // usedChunk: whose memory the next takes over
    private TMemory memory;
    private Tensor? waiting;    // the cycles that each trajectory still runs uncharged, [trajectories]; null = none
    private bool atStart;       // whether nothing has been read from the view since its start
    private double time;
    private long unrolled = 1;

    // Of the step under way: its trajectories, null = all; their memory after the last cycle; those of them to restart, [batch].
    private Tensor? rows;
    private TMemory analysis;
    private Tensor diverged;
    private long restarts;

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
        : base(name, network, options)
    {
        this.unit = unit ?? new(1);
        (this.triple, this.view, this.divergedCost, this.options, this.random) = (triple, view, divergedCost, options, random);
        unrolling = new(name, triple, view.Schema, cost, random);
        fused = FusedTraining.Of(triple, network, view.Schema, cost);
        inOnePiece = cost.Target as ICyclesInOnePiece<TMemory>;
        batch = options.BatchSize ?? view.Schema.Batch;
        if (batch > view.Schema.Batch)
            throw new ArgumentException(
                $"A batch of {batch} trajectories cannot be taken from the training view of {Name}, which has {view.Schema.Batch}.");
        order = random.Derive("batches");
        buffers = [.. network.buffers().Select(buffer => (buffer, buffer.detach().clone().DetachFromDisposeScope()))];
        trunks = [.. network.modules().OfType<ResidualConvolutionTrunk>()];
        cursor = view.OpenCursor();
        memory = analysis = Start();
        diverged = null!;
    }

    /// <summary>The usual remedies for a training that gives no finite loss.</summary>
    internal const string TrainingRemedy =
        "A smaller learning rate, clipped gradients or a shorter truncation are the usual remedies for a network; a model and an " +
        "operator must be defined for all states that occur.";

    /// <summary>Whether the cycles of the last step were computed in one piece.</summary>
    public bool IsFused { get; private set; }

    /// <summary>Whether the last step's cycles were unrolled in one piece by the cost.</summary>
    public bool IsInOnePiece { get; private set; }

    /// <summary>The number of times that the view was started again.</summary>
    public long Epoch { get; private set; }

    /// <inheritdoc/>
    protected override string Remedy => TrainingRemedy;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A truth or an observation is infinite or not a number.</exception>
    protected override OptimiserStep Gradient()
    {
        if (chunk is null) ReadChunk();
        rows = chunk!.Take(batch);
        var engine = fused?.For(rows?.size(0) ?? batch);
        IsFused = engine is not null && memory is StateMemory start && engine.Load(chunk, rows, start.State, time, waiting);
        return IsFused ? FusedGradient(engine!) : TensorGradient();
    }

    // All cycles in one piece.
    private OptimiserStep FusedGradient(FusedCycles engine)
    {
        double loss, norm = double.NaN;
        using (Telemetry.Phase(Telemetry.NetworkForward)) loss = engine.Forward();
        if (double.IsFinite(loss))
        {
            using (Telemetry.Phase(Telemetry.Backward)) engine.Backward();
            norm = ClipGradient();
        }
        else if (!engine.HasFiniteTruths) RefuseData();
        if (double.IsFinite(norm)) engine.MoveStatisticsOn();
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        using var noGradients = no_grad();
        var lastCosts = empty(engine.Batch, dtype: ScalarType.Float64);
        engine.LastCosts.CopyTo(KernelMemory.Elements<double>(lastCosts));
        Judge(lastCosts, rows is null ? waiting : waiting?.index_select(0, rows));
        var state = empty(engine.Batch, memory.Tensors.First().size(1), dtype: ScalarType.Float32);
        engine.Analysis.CopyTo(KernelMemory.Elements<float>(state));
        analysis = analysis.Map(_ => state);
        return new(loss, norm, restarts);
    }

    // Which trajectories have diverged.
    private void Judge(Tensor lastCost, Tensor? waits)
    {
        // a cost that is not a number is not below
        diverged = (lastCost < divergedCost / (unit.Value * unit.Value)).logical_not();
        if (waits is not null) diverged &= (waits < chunk!.Cycles) | lastCost.isfinite().logical_not();   // one in spin-up may be far off
        restarts = diverged.sum().ToInt64();
    }

    private OptimiserStep TensorGradient()
    {
        KeepStatistics();
        var waits = rows is null ? waiting : waiting?.index_select(0, rows);
        var (last, lastCost, loss, truths) = Unroll(Taken(), waits);
        double norm = IsInOnePiece ? BackPropagateInOnePiece(loss) : BackPropagate(loss, "The cost");
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        double value = loss.ToDouble();
        using var noGradients = no_grad();
        Judge(lastCost, waits);
        analysis = last.Detach();
        if (double.IsFinite(value) && double.IsFinite(norm)) return new(value, norm, restarts);
        if (!double.IsFinite(truths.ToDouble())) RefuseData();
        RestoreStatistics();
        return new(value, norm, restarts);
    }

    /// <inheritdoc/>
    protected override (long Cycle, double Time, string Origin) Lost(double loss) => (cursor.Cycle, cursor.Time, Origin());

    /// <inheritdoc/>
    protected override void CarryOn(bool finite)
    {
        unrolled = finite ? Math.Min(2 * unrolled, options.Truncation) : Math.Max(unrolled / 2, 1);
        TakeOver();
        if (chunk!.IsUsedUp) ReleaseChunk();
    }

    /// <summary>
    /// Saves everything that the next step depends on in addition to the network: memory, random numbers, optimiser, position in the
    /// view.
    /// </summary>
    public override void Save(ComponentWriter writer)
    {
        base.Save(writer);
        writer.Set("costUnit", unit.Value);
        writer.Set("epoch", Epoch);
        writer.Set("cycle", cursor.Cycle);
        writer.Set("time", time);
        writer.Set("unrolled", unrolled);
        writer.Set("atStart", atStart);
        writer.Set("isWaiting", waiting is not null);
        if (waiting is not null) writer.Tensor("waiting", waiting);
        int index = 0;
        foreach (var part in memory.Tensors) writer.Tensor($"memory{index++}", part);
        writer.Stream("random", random);
        writer.Stream("orderRandom", order);
        writer.Set("chunkCycles", chunk?.Cycles ?? 0);
        if (chunk is not null)
        {
            writer.Set("chunkUsed", chunk.Used);
            writer.Tensor("chunkOrder", chunk.Order!);
        }
    }

    /// <summary>
    /// Restores the state at <see cref="Save"/>. The view is read again up to that position, which gives the same cycles to the bit.
    /// </summary>
    public override void Load(ComponentReader reader)
    {
        base.Load(reader);
        using var scope = NewDisposeScope();
        unit.Value = reader.Version == 1 ? 1 : reader.Get<double>("costUnit");
        Epoch = reader.Get<long>("epoch");
        time = reader.Get<double>("time");
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
        reader.Stream("random", random);
        reader.Stream("orderRandom", order);
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
    public override void Dispose()
    {
        base.Dispose();
        cursor.Dispose();
        chunk?.Dispose();
        usedChunk?.Dispose();
        order.Dispose();
        memory.Release();
        waiting?.Dispose();
        foreach (var (_, copy) in buffers) copy.Dispose();
        fused?.Dispose();
    }

    // As many cycles as are due, or as an epoch still has.
    private void ReadChunk()
    {
        if (atStart) RunIn();
        if (!cursor.MoveNext()) BeginEpoch();
        chunk = new TrajectoryChunk(cursor, view.Schema, unrolled, usedChunk);
        usedChunk = null;
        if (batch == view.Schema.Batch) return;
        using var draws = order.Uniform([view.Schema.Batch], ScalarType.Float64);
        chunk.Order = draws.argsort(0).DetachFromDisposeScope();
    }

    private void ReleaseChunk()
    {
        time = chunk!.EndTime;
        chunk.Order?.Dispose();
        (usedChunk, chunk) = (chunk, null);
    }

    // The memory of the step's trajectories.
    private TMemory Taken() => rows is null ? memory : memory.Map(part => part.index_select(0, rows));

    private double BackPropagateInOnePiece(Tensor loss)
    {
        using (Telemetry.Phase(Telemetry.Backward)) inOnePiece!.BackPropagate(loss);
        return ClipGradient();
    }

    private UnrolledCycles<TMemory> Unroll(TMemory before, Tensor? waits)
    {
        var atOnce = inOnePiece?.Along(chunk!, rows, before, time, waits);
        IsInOnePiece = atOnce is not null;
        if (atOnce is { } done) return done;
        using var cycles = chunk!.Open(rows);
        foreach (var trunk in trunks) trunk.Pack();
        try { return unrolling.Along(cycles, before, time, waits); }
        finally { foreach (var trunk in trunks) trunk.Unpack(); }
    }

    // Trajectories in spin-up have come nearer to being charged; restarted ones begin their spin-up.
    private void Wait()
    {
        if (waiting is null && restarts == 0) return;
        using var scope = NewDisposeScope();
        var waits = waiting is null ? zeros([view.Schema.Batch], dtype: ScalarType.Int64, device: diverged.device) : waiting;
        var part = ((rows is null ? waits : waits.index_select(0, rows)) - chunk!.Cycles).clamp_min(0);
        part = where(diverged, full_like(part, options.BurnIn), part);
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
    private string Origin()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var state = Taken();
        using var cycles = chunk!.Open(rows);
        for (double now = time; cycles.MoveNext(); now = cycles.Time)
        {
            try
            {
                if (cycles.Time > now) state = triple.Propagater.Propagate(state, new TimeInterval(now, cycles.Time), random);
                if (Lost(state)) return $"the model '{triple.Propagater.Name}' gave values that are not finite in cycle {cycles.Cycle}";
                var observation = cycles.ReadObservation(view.Schema, state.Tensors.First(), Name);
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
    private void RefuseData()
    {
        using var cycles = chunk!.Open(rows);
        while (cycles.MoveNext()) cycles.ReadObservation(view.Schema, memory.Tensors.First(), Name);
        throw new ArgumentException(
            $"The truth on which {Name} is trained is infinite or not a number in cycle {cursor.Cycle} or up to {options.Truncation} " +
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
                $"The training view of {Name} has " +
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
        time = view.RequireStartTime(Name);
        atStart = true;
        waiting?.Dispose();
        waiting = null;
        using var noGradients = no_grad();
        var start = triple.Source.Start(view.Schema.Batch, random);
        return (batch < view.Schema.Batch ? start.Map(part => part.clone()) : start).Keep();   // batches overwrite their rows
    }

    private void TakeOver()
    {
        using var noGradients = no_grad();
        if (options.BurnIn > 0) Wait();
        var next = analysis;
        if (restarts > 0)
        {
            using var fresh = triple.Source.Start(diverged.size(0), random).Tensors.GetEnumerator();
            next = next.Map(part =>
            {
                fresh.MoveNext();
                return where(diverged.view([-1, .. Enumerable.Repeat(1L, (int)part.ndim - 1)]), fresh.Current, part);
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

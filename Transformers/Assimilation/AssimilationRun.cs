using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A sequential method in progress over a view: a cursor with access to the memories. The memories belong to the run and live until the
/// next <c>MoveNext</c>. It serves one thread.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed class AssimilationRun<TMemory> : TrajectoryCursor, IStepwiseRun where TMemory : IMemory<TMemory>
{
    private readonly SequentialAssimilation<TMemory> method;
    private readonly TrajectorySchema schema;
    private readonly RandomStream propagation, analysing;
    private readonly DivergenceGuard<TMemory> guard;
    private readonly StepClock? clock;
    private readonly InflationLimit<TMemory> limit;
    private TMemory? forecast, analysis;
    private bool begun, hasForecast, hasAnalysis, broken;
    private ICyclesSideBySide<TMemory>? cycles;    // null for a method, or a number of trajectories, without
    private bool heldForecast, heldAnalysis;       // whether the cycles hold it, in place of the memory above or beside it
    private double memoryTime;

    internal AssimilationRun(SequentialAssimilation<TMemory> method, ITrajectoryView view, ITrajectoryCursor source) : base(source)
    {
        this.method = method;
        schema = view.Schema;
        memoryTime = view.RequireStartTime(method.Name);
        clock = method.Triple.Propagater.TimeStep is { } step ? new(memoryTime, step, method.Context.Options.TimeTolerance) : null;
        guard = new(method, schema.Batch);
        limit = new(method.Triple);
        propagation = method.Random("propagater");
        analysing = method.Random("analyzer");
    }

    /// <summary>The memory before the cycle's observation is used.</summary>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public TMemory Forecast => OnCycle(hasForecast || heldForecast, ForecastMemory);

    /// <summary>The memory after the cycle's observation is used.</summary>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public TMemory Analysis => OnCycle((hasAnalysis || heldAnalysis) && Cycle >= 0, AnalysisMemory);

    /// <summary>The density q^b over states before the cycle's observation is used.</summary>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public override IDensity ForecastDensity => method.Triple.Procoder.Decode(Forecast);

    /// <summary>The density q^a over states after the cycle's observation is used.</summary>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public override IDensity AnalysisDensity => method.Triple.Procoder.Decode(Analysis);

    /// <summary>Propagates the cycle's analysis to a later time without further observations; the run itself is not affected.</summary>
    /// <param name="time">The end of the propagation, in the model's unit of time; not before the cycle's time.</param>
    /// <returns>A memory that belongs to the caller. The same call gives the same answer, random model errors included.</returns>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public TMemory Predict(double time)
    {
        var start = Analysis;
        using var random = method.Random($"prediction/{Cycle}");
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return Propagate(start, new TimeInterval(memoryTime, OnStep(time)), random, Cycle).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    protected override bool Compute(long cycle)
    {
        if (broken) throw new InvalidOperationException($"This run of {method.Name} ended with an error in cycle {cycle}; open a new one.");
        broken = true;

        if (!hasAnalysis && !heldAnalysis)
        {
            using var random = method.Random("source");
            analysis = method.Triple.Source.Start(schema.Batch, random).Keep();
            hasAnalysis = true;
        }
        if (!begun && double.IsPositiveInfinity(method.Options.DivergenceBound))
            cycles = (method.Triple.Analyzer as ISideBySideAnalyzer<TMemory>)?.SideBySide(method.Triple.Propagater, AnalysisMemory());
        begun = true;
        double time = OnStep(Time);
        if (time < memoryTime)
            throw new ArgumentException(
                $"{method.Name}: cycle {cycle} is at time {time:g9}, before {memoryTime:g9}, where its forecast starts.");

        if (cycles is null || !SideBySide(cycles, cycle, time)) InTurn(cycle, time);
        if (method.Options.DivergenceHandling == DivergenceHandling.Isolate)
            Set(Columns.Diverged, guard.Diverged(this[Columns.Analysis].device));

        memoryTime = time;
        broken = false;
        return true;
    }

    // The cycle by propagater and analyzer.
    private void InTurn(long cycle, double time)
    {
        ReleaseForecast();
        (forecast, var state) = guard.CheckForecast(
            Propagate(AnalysisMemory(), new TimeInterval(memoryTime, time), propagation, cycle), cycle, time);
        forecast = forecast.Keep();
        hasForecast = true;
        ReleaseAnalysis();
        Publish(forecast, state, Columns.Forecast, Columns.ForecastSpread);

        var observation = Observed(forecast.Tensors.First(), time);
        using (Telemetry.Phase(Telemetry.Analysis))
            (analysis, state) = guard.CheckAnalysis(limit.Apply(forecast, guard.Analyze(forecast, observation, analysing, cycle)), forecast,
                observation, cycle);
        analysis = analysis.Keep();
        hasAnalysis = true;
        Publish(analysis, state, Columns.Analysis, Columns.AnalysisSpread);
    }

    // The cycle of all trajectories in one piece; false if it is not for that.
    private bool SideBySide(ICyclesSideBySide<TMemory> together, long cycle, double time)
    {
        using var phase = Telemetry.Phase(Telemetry.Analysis);
        using var like = empty(0, dtype: together.Precision);
        var observation = Observed(like, time);
        var outcome = together.Run(heldAnalysis ? default : analysis, new TimeInterval(memoryTime, time), observation,
            limit.LiftOf(schema.Batch, method.StateDimension, like), limit.Most);
        if (outcome == CycleOutcome.Refused)
        {
            AnalysisMemory();
            heldAnalysis = false;
            return false;
        }
        ReleaseForecast();
        ReleaseAnalysis();
        heldForecast = heldAnalysis = true;
        Publish(together, Columns.Forecast, Columns.ForecastSpread, analysis: false);
        if (outcome == CycleOutcome.Done) Publish(together, Columns.Analysis, Columns.AnalysisSpread, analysis: true);
        else
        {
            (analysis, var state) = guard.CheckAnalysis(limit.Lowered(together.Memory(analysis: true)), ForecastMemory(), observation,
                cycle);
            analysis = analysis.Keep();
            hasAnalysis = true;
            heldAnalysis = false;
            Publish(analysis, state, Columns.Analysis, Columns.AnalysisSpread);
        }
        return true;
    }

    private Observation Observed(Tensor like, double time) =>
        Source!.ReadObservation((Source as ObservationFeed)?.Schema ?? schema, like, method.Name) with { Time = time };

    private void Publish(ICyclesSideBySide<TMemory> together, Column mean, Column spread, bool analysis)
    {
        Set(mean, together.Mean(analysis), handsOver: true);
        if (method.Triple.Procoder.HasSpread) SetOnDemand(spread, () => together.Spread(analysis));
    }

    // The memories, made of what the cycles hold when they are asked for.
    private TMemory ForecastMemory()
    {
        if (!hasForecast) forecast = cycles!.Memory(analysis: false).Keep();
        hasForecast = true;
        return forecast!;
    }

    private TMemory AnalysisMemory()
    {
        if (!hasAnalysis) analysis = cycles!.Memory(analysis: true).Keep();
        hasAnalysis = true;
        return analysis!;
    }

    double IStepwiseRun.MemoryTime => memoryTime;

    double IStepwiseRun.OnStep(double time) => OnStep(time);

    (Tensor Mean, Tensor? Spread) IStepwiseRun.PredictState(double time)
    {
        using var noGradients = no_grad();
        var density = method.Triple.Procoder.Decode(Predict(time));
        return (density.Mean, method.Triple.Procoder.HasSpread ? density.StandardDeviation : null);
    }

    void IStepwiseRun.Save(ComponentWriter writer)
    {
        if (broken) throw new InvalidOperationException($"This run of {method.Name} ended with an error; there is nothing to continue.");
        writer.Set("cycle", Cycle);
        writer.Set("time", memoryTime);
        writer.Set("begun", hasAnalysis || heldAnalysis);
        writer.Stream("propagation", propagation);
        writer.Stream("analysing", analysing);
        if (!hasAnalysis && !heldAnalysis) return;
        MemoryFile.Save(writer, AnalysisMemory());
        writer.Set("inflated", limit.Lift is not null);
        if (limit.Lift is { } lift) writer.Tensor("lift", lift);
        if (method.Options.DivergenceHandling == DivergenceHandling.Isolate)
            writer.Tensor("diverged", guard.Diverged(AnalysisMemory().Tensors.First().device));
    }

    void IStepwiseRun.Restore(ComponentReader reader)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        memoryTime = Require.Finite(reader.Get<double>("time"), "The time of a checkpoint");
        reader.Stream("propagation", propagation);
        reader.Stream("analysing", analysing);
        ContinueAfter(reader.Get<long>("cycle"));
        if (!reader.Get<bool>("begun")) return;
        analysis = MemoryFile.Load(reader, method.StartOfOne).Keep();
        hasAnalysis = true;
        foreach (var tensor in analysis.Tensors) Require.Finite(tensor, "The memory of a checkpoint");
        if (reader.Get<bool>("inflated"))
        {
            using var lift = reader.Tensor("lift");
            limit.Restore(lift);
        }
        if (method.Options.DivergenceHandling != DivergenceHandling.Isolate) return;
        using var diverged = reader.Tensor("diverged");
        guard.Restore(diverged);
    }

    /// <inheritdoc/>
    protected override void DisposeState()
    {
        ReleaseForecast();
        ReleaseAnalysis();
        propagation.Dispose();
        analysing.Dispose();
        guard.Dispose();
        limit.Dispose();
    }

    private double OnStep(double time) => clock?.At(time) ?? time;

    private TMemory Propagate(TMemory memory, TimeInterval interval, RandomStream random, long cycle)
    {
        if (interval.Length == 0) return memory.Map(tensor => tensor.alias());
        using var phase = Telemetry.Phase(Telemetry.Model);
        return guard.Propagate(memory, interval, random, cycle);
    }

    // Decodes a memory into the columns of the estimate and its spread.
    private void Publish(TMemory memory, Tensor state, Column mean, Column spread)
    {
        Set(mean, state, handsOver: method.Triple.Procoder is EnsembleProcoder);   // an ensemble's mean is computed here; the run owns it
        if (method.Triple.Procoder.HasSpread) SetOnDemand(spread, () => method.Triple.Procoder.Decode(memory).StandardDeviation);
    }

    private TMemory OnCycle(bool there, Func<TMemory> memory) => there && !broken ? memory()
        : throw new InvalidOperationException($"The run of {method.Name} is not on a cycle: call MoveNext first.");

    private void ReleaseForecast()
    {
        if (hasForecast) forecast!.Release();
        hasForecast = heldForecast = false;
    }

    private void ReleaseAnalysis()
    {
        if (hasAnalysis) analysis!.Release();
        hasAnalysis = heldAnalysis = false;
    }
}

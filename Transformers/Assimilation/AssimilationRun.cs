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
    private bool hasForecast, hasAnalysis, broken;
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
    public TMemory Forecast => OnCycle(hasForecast, forecast);

    /// <summary>The memory after the cycle's observation is used.</summary>
    /// <exception cref="InvalidOperationException">The run is not on a cycle.</exception>
    public TMemory Analysis => OnCycle(hasAnalysis && Cycle >= 0, analysis);

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

        if (!hasAnalysis)
        {
            using var random = method.Random("source");
            analysis = method.Triple.Source.Start(schema.Batch, random).Keep();
            hasAnalysis = true;
        }
        double time = OnStep(Time);
        if (time < memoryTime)
            throw new ArgumentException(
                $"{method.Name}: cycle {cycle} is at time {time:g9}, before {memoryTime:g9}, where its forecast starts.");

        ReleaseForecast();
        (forecast, var state) = guard.CheckForecast(Propagate(analysis!, new TimeInterval(memoryTime, time), propagation, cycle), cycle,
            time);
        forecast = forecast.Keep();
        hasForecast = true;
        ReleaseAnalysis();
        Publish(forecast, state, Columns.Forecast, Columns.ForecastSpread);

        var given = (Source as ObservationFeed)?.Schema ?? schema;
        var observation = Source!.ReadObservation(given, forecast.Tensors.First(), method.Name) with { Time = time };
        using (Telemetry.Phase(Telemetry.Analysis))
            (analysis, state) = guard.CheckAnalysis(limit.Apply(forecast, guard.Analyze(forecast, observation, analysing, cycle)), forecast,
                observation, cycle);
        analysis = analysis.Keep();
        hasAnalysis = true;
        Publish(analysis, state, Columns.Analysis, Columns.AnalysisSpread);
        if (method.Options.DivergenceHandling == DivergenceHandling.Isolate) Set(Columns.Diverged, guard.Diverged(state.device));

        memoryTime = time;
        broken = false;
        return true;
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
        writer.Set("begun", hasAnalysis);
        writer.Stream("propagation", propagation);
        writer.Stream("analysing", analysing);
        if (!hasAnalysis) return;
        MemoryFile.Save(writer, analysis!);
        writer.Set("inflated", limit.Lift is not null);
        if (limit.Lift is { } lift) writer.Tensor("lift", lift);
        if (method.Options.DivergenceHandling == DivergenceHandling.Isolate)
            writer.Tensor("diverged", guard.Diverged(analysis!.Tensors.First().device));
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

    private TMemory OnCycle(bool there, TMemory? memory) => there && !broken ? memory!
        : throw new InvalidOperationException($"The run of {method.Name} is not on a cycle: call MoveNext first.");

    private void ReleaseForecast()
    {
        if (hasForecast) forecast!.Release();
        hasForecast = false;
    }

    private void ReleaseAnalysis()
    {
        if (hasAnalysis) analysis!.Release();
        hasAnalysis = false;
    }
}

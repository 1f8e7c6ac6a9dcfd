using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Watches over the memories of one run, so that no non-finite number passes unseen, and treats trajectories that diverge as
/// <see cref="DivergenceHandling"/> says.
/// </summary>
internal sealed class DivergenceGuard<TMemory>(SequentialAssimilation<TMemory> method, long batch) : IDisposable
    where TMemory : IMemory<TMemory>
{
    /// <summary>The trajectories that diverged so far, <c>[batch]</c>, boolean; null until it is asked for.</summary>
    private Tensor? diverged;

    private IObservationNetwork? network;          // of the latest cycle, if the view says it
    private IAnalyzer<TMemory>? analyzer;          // and the method's analyzer for it

    private bool Isolates => method.Options.DivergenceHandling == DivergenceHandling.Isolate;

    /// <summary>The trajectories that diverged so far, <c>[batch]</c>, boolean; the tensor belongs to the guard.</summary>
    public Tensor Diverged(Device device) => diverged ??= zeros(batch, dtype: ScalarType.Bool, device: device).DetachFromDisposeScope();

    /// <summary>Resumes with the flags of an earlier run.</summary>
    /// <param name="flags"><c>[batch]</c>, boolean; copied.</param>
    public void Restore(Tensor flags)
    {
        diverged?.Dispose();
        diverged = Require.Shape(flags, "The diverged trajectories of a checkpoint", batch).clone().DetachFromDisposeScope();
    }

    /// <summary>
    /// Gives the memory at the interval's end. Trajectories that the model cannot run restart at the interval's beginning.
    /// </summary>
    /// <exception cref="DivergenceException">The model failed, and the run must stop on a divergence.</exception>
    public TMemory Propagate(TMemory analysis, TimeInterval interval, RandomStream random, long cycle)
    {
        var propagater = method.Triple.Propagater;
        return Attempt(analysis, cycle, "before the forecast", random,
            (memory, draws) => propagater.Propagate(memory, interval, draws), null,
            (row, draws) => propagater.Propagate(analysis.Map(tensor => tensor.narrow(0, row, 1)), interval, draws),
            failed => NonFiniteOrigin.Forecast<TMemory>(method.Name, propagater.Name, default, method.StateDimension, cycle, interval.To,
                failed));
    }

    /// <summary>Gives the analysis. Trajectories without one restart from the source.</summary>
    /// <exception cref="DivergenceException">The analyzer failed, and the run must stop on a divergence.</exception>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random, long cycle)
    {
        var analyzer = AnalyzerOf(observation);
        return Attempt(forecast, cycle, "analysis", random,
            (memory, draws) => analyzer.Analyze(memory, observation, draws),
            (memory, bad, draws) => analyzer.Analyze(memory, Without(observation, bad), draws),
            (row, draws) => analyzer.Analyze(forecast.Map(tensor => tensor.narrow(0, row, 1)), Alone(observation, row), draws),
            failed => NonFiniteOrigin.Analysis(method.Name, analyzer, forecast, observation, default, method.StateDimension, cycle,
                failed));
    }

    // A step that may fail. Where trajectories are isolated, it is tried again with fresh rows for those that fail alone.
    private TMemory Attempt(TMemory memory, long cycle, string stage, RandomStream random, Func<TMemory, RandomStream, TMemory> step,
        Func<TMemory, Tensor, RandomStream, TMemory>? without, Action<long, RandomStream> alone,
        Func<Exception, DivergenceException> origin)
    {
        using var before = Isolates ? random.Capture() : null;
        try { return step(memory, random); }
        catch (Exception failed) when (NonFiniteOrigin.IsNumerical(failed))
        {
            if (!Isolates) throw origin(failed);
            using var scope = NewDisposeScope();
            using var draws = method.Random("isolation");   // needed only to see which rows fail
            var bad = Failing(row => alone(row, draws));
            if (!bad.any().ToBoolean()) throw origin(failed);
            bad = bad.to(memory.Tensors.First().device);
            var afresh = Restart(memory, bad, cycle, stage);
            for (bool last = without is null; ; last = true)
            {
                random.Restore(before!);
                try
                {
                    // If the restarted row fails too, its observation is left out.
                    var done = last && without is not null ? without(afresh, bad, random) : step(afresh, random);
                    return done.Map(tensor => tensor.MoveToOuterDisposeScope());
                }
                catch (Exception again) when (NonFiniteOrigin.IsNumerical(again))
                {
                    if (last) throw origin(again);
                }
            }
        }
    }

    /// <summary>Checks the forecast and the state it stands for: all of it is finite and within the bound.</summary>
    /// <exception cref="DivergenceException">The check failed, and the run must stop on a divergence.</exception>
    public (TMemory Memory, Tensor State) CheckForecast(TMemory forecast, long cycle, double time) =>
        Check(forecast, cycle, time, "forecast",
        () => NonFiniteOrigin.Forecast(method.Name, method.Triple.Propagater.Name, forecast, method.StateDimension, cycle, time, null));

    /// <summary>Checks the analysis and the state it stands for: all of it is finite and within the bound.</summary>
    /// <exception cref="DivergenceException">The check failed, and the run must stop on a divergence.</exception>
    public (TMemory Memory, Tensor State) CheckAnalysis(TMemory analysis, TMemory forecast, Observation observation, long cycle) =>
        Check(analysis, cycle, observation.Time, "analysis",
            () => NonFiniteOrigin.Analysis(method.Name, AnalyzerOf(observation), forecast, observation, analysis, method.StateDimension,
                cycle, null));

    private (TMemory Memory, Tensor State) Check(TMemory memory, long cycle, double time, string stage, Func<DivergenceException> origin)
    {
        var state = StateOf(memory);
        // The size of the state matters only if there is a bound, or something to report.
        bool finite = FiniteNumbers.All(state, memory.Tensors);
        if (finite && double.IsPositiveInfinity(method.Options.DivergenceBound)) return (memory, state);
        double norm = finite ? state.square().mean([1]).max().sqrt().ToDouble() : double.NaN;
        if (finite && norm <= method.Options.DivergenceBound) return (memory, state);
        if (!Isolates) throw !finite ? origin() : new DivergenceException(method.Name, stage, cycle, time,
            $"the root-mean-square size of its state is {norm:g4}, above the bound {method.Options.DivergenceBound:g4}",
            DivergenceException.FilterRemedy, norm);

        using var scope = NewDisposeScope();
        var bad = state.square().mean([1]).sqrt() > method.Options.DivergenceBound;
        foreach (var tensor in memory.Tensors.Append(state))
            bad = bad.logical_or(tensor.reshape(batch, -1).sum(1).isfinite().logical_not());
        if (!bad.any().ToBoolean()) return (memory, state);    // each is finite, and only their sum is non-finite
        var restarted = Restart(memory, bad, cycle, stage).Map(tensor => tensor.MoveToOuterDisposeScope());
        return (restarted, StateOf(restarted).MoveToOuterDisposeScope());
    }

    public void Dispose() => diverged?.Dispose();

    // The method's analyzer, for the cycle's network if the view names one.
    private IAnalyzer<TMemory> AnalyzerOf(Observation observation)
    {
        if (observation.Network is not { } given) return method.Triple.Analyzer;
        if (ReferenceEquals(given, network)) return analyzer!;
        if (given.Operator.StateDimension != method.StateDimension)
            throw new ArgumentException(
                $"The network of the cycle at time {observation.Time:g9} observes states of dimension {given.Operator.StateDimension}, " +
                    $"but {method.Name} has dimension {method.StateDimension}. Give each cycle a network of the method's states.");
        (network, analyzer) = (given, method.Triple.Analyzer.For(given));
        return analyzer;
    }

    private Tensor StateOf(TMemory memory)
    {
        var state = method.Triple.Procoder.Decode(memory).Mean;
        return state.ndim == 2 && state.size(0) == batch && state.size(1) == method.StateDimension ? state
            : Require.Shape(state, $"The state of {method.Name}", batch, method.StateDimension);
    }

    private static Observation Without(Observation observation, Tensor bad) =>
        observation with
            { Mask = (observation.Mask ?? ones_like(observation.Values, dtype: ScalarType.Bool))
                .logical_and(bad.logical_not().unsqueeze(-1)) };

    private static Observation Alone(Observation observation, long row) =>
        observation with
            { Values = observation.Values.narrow(0, row, 1), Mask = observation.Mask?.narrow(0, row, 1),
                ErrorScale = observation.ErrorScale?.narrow(0, row, 1) };

    // The trajectories that fail by themselves, [batch].
    private Tensor Failing(Action<long> attempt)
    {
        var bad = new bool[batch];
        for (long row = 0; row < batch; row++)
        {
            using var inner = NewDisposeScope();
            try { attempt(row); }
            catch (Exception failed) when (NonFiniteOrigin.IsNumerical(failed)) { bad[row] = true; }
        }
        return tensor(bad);
    }

    // The memory with fresh rows for the bad trajectories, which are flagged.
    private TMemory Restart(TMemory memory, Tensor bad, long cycle, string stage)
    {
        using var random = method.Random($"restart/{cycle}/{stage}");
        using var fresh = method.Triple.Source.Start(batch, random).Tensors.GetEnumerator();
        var kept = memory is IHandsOn<TMemory> handing ? handing.Without(bad) : memory;
        var restarted = kept.Map(tensor =>
        {
            // Tensors beyond the source's were added since: the observations of a window, which are no state that could diverge, and the
            // output that analyses handed on, which is already gone.
            if (!fresh.MoveNext()) return tensor.alias();
            if (!fresh.Current.HasSizesOf(tensor))
                throw new InvalidOperationException(
                    $"{method.Name} cannot restart a single trajectory: a tensor of its memory has shape " +
                        $"{ColumnDefinition.Describe(tensor.Sizes())} in cycle {cycle}, but shape " +
                        $"{ColumnDefinition.Describe(fresh.Current.Sizes())} at the start. Let it stop at a divergence instead.");
            var rows = bad.reshape([batch, .. Enumerable.Repeat(1L, (int)tensor.ndim - 1)]);
            return where(rows, fresh.Current.to(tensor.dtype, tensor.device), tensor);
        });
        var flags = Diverged(bad.device);
        var added = bad.logical_and(flags.logical_not()).nonzero().reshape(-1).ToArray<long>();
        if (added.Length > 0)
            method.Logger.LogWarning("{Method}: trajectory {Trajectories} diverged in cycle {Cycle}; it is flagged and restarted.",
                method.Name, string.Join(", ", added), cycle);
        diverged = flags.logical_or(bad).DetachFromDisposeScope();
        flags.Dispose();
        return restarted;
    }
}

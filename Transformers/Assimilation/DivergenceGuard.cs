using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Watches over the memories of one run, so that no number that is not finite travels unseen, and does with trajectories
/// that diverge what <see cref="DivergenceHandling"/> says.
/// </summary>
internal sealed class DivergenceGuard<TMemory>(SequentialAssimilation<TMemory> method, long batch) : IDisposable where TMemory : IMemory<TMemory>
{
    /// <summary>Which trajectories diverged so far, <c>[batch]</c>, boolean; null as long as nobody asked.</summary>
    private Tensor? diverged;

    private bool Isolates => method.Options.DivergenceHandling == DivergenceHandling.Isolate;

    /// <summary>Which trajectories diverged so far, <c>[batch]</c>, boolean; the guard's.</summary>
    public Tensor Diverged(Device device) => diverged ??= zeros(batch, dtype: ScalarType.Bool, device: device).DetachFromDisposeScope();

    /// <summary>The analysis, in which those trajectories for which there is none are started afresh.</summary>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random, long cycle)
    {
        if (!Isolates) return method.Triple.Analyzer.Analyze(forecast, observation, random);
        using var before = random.Capture();
        try { return method.Triple.Analyzer.Analyze(forecast, observation, random); }
        catch (Exception failed) when (IsNumerical(failed))
        {
            using var scope = NewDisposeScope();
            var bad = Failing(forecast, observation);
            if (!bad.any().ToBoolean()) throw;
            random.Restore(before);
            return method.Triple.Analyzer.Analyze(Restart(forecast, bad, cycle, "analysis"), observation, random).Map(tensor => tensor.MoveToOuterDisposeScope());
        }
    }

    /// <summary>The memory and the state it stands for, all of it finite and within the bound.</summary>
    /// <exception cref="DivergenceException">It is not, and the run is to stop then.</exception>
    public (TMemory Memory, Tensor State) Check(TMemory memory, long cycle, double time, string stage)
    {
        var state = StateOf(memory);
        // The size of the state is looked at where there is a bound, or something to report.
        bool finite = FiniteNumbers.All(state, memory.Tensors);
        if (finite && double.IsPositiveInfinity(method.Options.DivergenceBound)) return (memory, state);
        double norm = finite ? state.square().mean([1]).max().sqrt().ToDouble() : double.NaN;
        if (finite && norm <= method.Options.DivergenceBound) return (memory, state);
        if (!Isolates) throw new DivergenceException(method.Name, cycle, time, norm);

        using var scope = NewDisposeScope();
        var bad = state.square().mean([1]).sqrt() > method.Options.DivergenceBound;
        foreach (var tensor in memory.Tensors.Append(state)) bad = bad.logical_or(tensor.reshape(batch, -1).sum(1).isfinite().logical_not());
        if (!bad.any().ToBoolean()) return (memory, state);    // each is finite, only their sum is not
        var restarted = Restart(memory, bad, cycle, stage).Map(tensor => tensor.MoveToOuterDisposeScope());
        return (restarted, StateOf(restarted).MoveToOuterDisposeScope());
    }

    public void Dispose() => diverged?.Dispose();

    private Tensor StateOf(TMemory memory)
    {
        var state = method.Triple.Procoder.Decode(memory).Mean;
        return state.ndim == 2 && state.size(0) == batch && state.size(1) == method.StateDimension ? state
            : Require.Shape(state, $"The state of {method.Name}", batch, method.StateDimension);
    }

    // What a solver says of numbers it cannot work with; a defect of the analyzer or bad input is something else and passes on.
    private static bool IsNumerical(Exception failed) => failed is ExternalException or ArithmeticException;

    // Which trajectories have no analysis of their own; the numbers drawn are of no use but for that.
    private Tensor Failing(TMemory forecast, Observation observation)
    {
        using var scope = NewDisposeScope();
        using var random = method.Random("isolation");
        var bad = new bool[batch];
        for (long row = 0; row < batch; row++)
        {
            using var inner = NewDisposeScope();
            var alone = new Observation(observation.Values.narrow(0, row, 1), observation.Mask?.narrow(0, row, 1), observation.Time) { ErrorScale = observation.ErrorScale?.narrow(0, row, 1) };
            try { method.Triple.Analyzer.Analyze(forecast.Map(tensor => tensor.narrow(0, row, 1)), alone, random); }
            catch (Exception failed) when (IsNumerical(failed)) { bad[row] = true; }
        }
        return tensor(bad).to(observation.Values.device).MoveToOuterDisposeScope();
    }

    // The memory with fresh rows for the bad trajectories, which are flagged.
    private TMemory Restart(TMemory memory, Tensor bad, long cycle, string stage)
    {
        using var random = method.Random($"restart/{cycle}/{stage}");
        using var fresh = method.Triple.Source.Start(batch, random).Tensors.GetEnumerator();
        var kept = memory is IHandsOn<TMemory> handing ? handing.Without(bad) : memory;
        var restarted = kept.Map(tensor =>
        {
            // What comes after the source's tensors was kept since: the observations of a window, which are no state that could diverge, and
            // what analyses handed on, which is gone already.
            if (!fresh.MoveNext()) return tensor.alias();
            if (!fresh.Current.HasSizesOf(tensor))
                throw new InvalidOperationException($"{method.Name} cannot start one trajectory afresh: its memory of cycle {cycle} has other tensors than its source gives ({ColumnDefinition.Describe(tensor.Sizes())}). Let it stop at a divergence instead.");
            var rows = bad.reshape([batch, .. Enumerable.Repeat(1L, (int)tensor.ndim - 1)]);
            return where(rows, fresh.Current.to(tensor.dtype, tensor.device), tensor);
        });
        var flags = Diverged(bad.device);
        var added = bad.logical_and(flags.logical_not()).nonzero().reshape(-1).ToArray<long>();
        if (added.Length > 0) method.Logger.LogWarning("{Method}: trajectory {Trajectories} diverged in cycle {Cycle}; it is flagged and started afresh.", method.Name, string.Join(", ", added), cycle);
        diverged = flags.logical_or(bad).DetachFromDisposeScope();
        flags.Dispose();
        return restarted;
    }
}

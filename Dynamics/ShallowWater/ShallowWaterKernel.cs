using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The shallow-water model over the states' memory, without tensor operators: forward, tangent linear and adjoint in one precision.
/// States and perturbations are rows [rows, n]; threads share these rows or, for a single large state, its rows of cells. The numbers do
/// not depend on the number of threads.
/// </summary>
internal sealed unsafe class ShallowWaterKernel<T>(ShallowWaterOptions options) where T : unmanaged, INumber<T>
{
    private readonly Lattice<T> lattice = new(options);
    private readonly ConcurrentBag<ForwardRun<T, AlongRow<T>>> singles = [];
    private readonly ConcurrentBag<ForwardRun<T, AcrossFields<T>>> groups = [];
    private readonly ConcurrentBag<LinearisedRun<T, AlongRow<T>>> linearised = [];
    private readonly ConcurrentBag<LinearisedRun<T, AcrossFields<T>>> linearisedGroups = [];

    /// <summary>Computes the states after a number of steps.</summary>
    public UnsoundState? Step(Tensor states, Tensor results, long steps)
    {
        long rows = states.numel() / lattice.Dimension, lanes = Vector256<T>.Count, full = rows / lanes, units = full + rows % lanes;
        nint from = (nint)KernelMemory.Address<T>(states), to = (nint)KernelMemory.Address<T>(results);
        int inner = units == 1 ? get_num_threads() : 1;
        var unsound = new UnsoundState?[units];
        ForEach(units, rows * steps, unit =>
        {
            long row = unit < full ? unit * lanes : full * lanes + (unit - full), offset = row * lattice.Dimension;
            var found = unit < full ? With(groups, () => new(lattice), run => run.Run((T*)from + offset, (T*)to + offset, steps, inner))
                : With(singles, () => new(lattice), run => run.Run((T*)from + offset, (T*)to + offset, steps, inner));
            if (found is { } at) unsound[unit] = at with { Row = row + at.Row };
        });
        GC.KeepAlive(states);
        GC.KeepAlive(results);
        return unsound.FirstOrDefault(found => found is not null);
    }

    /// <summary>Runs from one state and keeps some of the states.</summary>
    /// <param name="state">[n]</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="keptStates">The largest number of states that may be kept.</param>
    /// <param name="end">Receives the end of the run, [n]; null = it is not written.</param>
    /// <param name="unsound">The first unsound state; null = none.</param>
    public Trajectory<T> Run(Tensor state, long steps, int keptStates, Tensor? end, out UnsoundState? unsound)
    {
        var start = new FieldBlock<T, AlongRow<T>>(lattice);
        start.Load(KernelMemory.Address<T>(state));
        GC.KeepAlive(state);
        var trajectory = new Trajectory<T>(lattice, start, steps, keptStates);
        var last = end is null ? null : steps == 0 ? start : new FieldBlock<T, AlongRow<T>>(lattice);
        unsound = steps == 0 ? null : With(singles, () => new(lattice), run => trajectory.Run(run, last, get_num_threads()));
        last?.Store(KernelMemory.Address<T>(end!));
        GC.KeepAlive(end);
        return trajectory;
    }

    /// <summary>Applies M' to perturbations [k, n] along a run.</summary>
    public void StepTangentLinear(Trajectory<T> trajectory, Tensor perturbations, Tensor results) =>
        ForEachUnit(trajectory, perturbations, results,
        (run, from, to) => run.TangentLinear(trajectory, (T*)from, (T*)to),
        (run, from, to) => run.TangentLinear(trajectory, (T*)from, (T*)to));

    /// <summary>Applies M'^T to sensitivities [k, n] along a run.</summary>
    public void StepAdjoint(Trajectory<T> trajectory, Tensor sensitivities, Tensor results) =>
        ForEachUnit(trajectory, sensitivities, results,
        (run, from, to) => run.Adjoint(trajectory, (T*)from, (T*)to), (run, from, to) => run.Adjoint(trajectory, (T*)from, (T*)to));

    /// <summary>Calls an action for each row, on as many threads as pay for the work.</summary>
    public void ForEachRow(long rows, long steps, Action<long> row) => ForEach(rows, rows * steps, row);

    // Groups of vectors that share SIMD vectors go through the whole run together, the rest one by one.
    private void ForEachUnit(Trajectory<T> trajectory, Tensor vectors, Tensor results,
        Action<LinearisedRun<T, AcrossFields<T>>, nint, nint> group, Action<LinearisedRun<T, AlongRow<T>>, nint, nint> single)
    {
        long count = vectors.numel() / lattice.Dimension, lanes = Vector256<T>.Count, full = count / lanes, units = full + count % lanes;
        nint from = (nint)KernelMemory.Address<T>(vectors), to = (nint)KernelMemory.Address<T>(results);
        ForEach(units, count * trajectory.Steps, unit =>
        {
            nint offset = (nint)((unit < full ? unit * lanes : full * lanes + (unit - full)) * lattice.Dimension * sizeof(T));
            if (unit < full) With(linearisedGroups, () => new(lattice), run => { group(run, from + offset, to + offset); return true; });
            else With(linearised, () => new(lattice), run => { single(run, from + offset, to + offset); return true; });
        });
        GC.KeepAlive(vectors);
        GC.KeepAlive(results);
    }

    // Runs independent pieces of work that amount to this many steps of one state in all.
    private void ForEach(long count, long steps, Action<long> action) =>
        SharedWork.ForEach(count, steps * lattice.TimeOfStep / Math.Max(1, count), (first, end) =>
    {
        for (long i = first; i < end; i++) action(i);
    });

    private static TResult With<TRun, TResult>(ConcurrentBag<TRun> pool, Func<TRun> create, Func<TRun, TResult> use)
    {
        if (!pool.TryTake(out var run)) run = create();
        try { return use(run); }
        finally { pool.Add(run); }
    }
}

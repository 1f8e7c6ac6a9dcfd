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
    private readonly ConcurrentBag<ILinearisedRun<T>> linearised = [], linearisedGroups = [];

    /// <summary>Computes the states after a number of steps.</summary>
    public UnsoundState? Step(Tensor states, Tensor results, long steps)
    {
        long rows = states.numel() / lattice.Dimension;
        int inner = rows == 1 || rows == Vector256<T>.Count ? get_num_threads() : 1;
        var unsound = new UnsoundState?[rows];
        ForEachUnit(states, results, steps, (grouped, row, from, to) =>
        {
            var found = grouped ? With(groups, () => new(lattice), run => run.Run((T*)from, (T*)to, steps, inner))
                : With(singles, () => new(lattice), run => run.Run((T*)from, (T*)to, steps, inner));
            if (found is { } at) unsound[row] = at with { Row = row + at.Row };
        });
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
        Carry(trajectory, perturbations, results, (run, from, to) => run.TangentLinear(trajectory, (T*)from, (T*)to));

    /// <summary>Applies M'^T to sensitivities [k, n] along a run.</summary>
    public void StepAdjoint(Trajectory<T> trajectory, Tensor sensitivities, Tensor results) =>
        Carry(trajectory, sensitivities, results, (run, from, to) => run.Adjoint(trajectory, (T*)from, (T*)to));

    /// <summary>Calls an action for each row, on as many threads as pay for the work.</summary>
    public void ForEachRow(long rows, long steps, Action<long> row) => ForEach(rows, rows * steps, row);

    // Groups of vectors that share SIMD vectors go through the whole run together, the rest one by one.
    private void ForEachUnit(Tensor vectors, Tensor results, long steps, Action<bool, long, nint, nint> run)
    {
        long count = vectors.numel() / lattice.Dimension, lanes = Vector256<T>.Count, full = count / lanes, units = full + count % lanes;
        nint from = (nint)KernelMemory.Address<T>(vectors), to = (nint)KernelMemory.Address<T>(results);
        ForEach(units, count * steps, unit =>
        {
            long row = unit < full ? unit * lanes : full * lanes + (unit - full);
            nint offset = (nint)(row * lattice.Dimension * sizeof(T));
            run(unit < full, row, from + offset, to + offset);
        });
        GC.KeepAlive(vectors);
        GC.KeepAlive(results);
    }

    private void Carry(Trajectory<T> trajectory, Tensor vectors, Tensor results, Action<ILinearisedRun<T>, nint, nint> use) =>
        ForEachUnit(vectors, results, trajectory.Steps, (grouped, _, from, to) => With<ILinearisedRun<T>, bool>(
            grouped ? linearisedGroups : linearised,
            () => grouped ? new LinearisedRun<T, AcrossFields<T>>(lattice) : new LinearisedRun<T, AlongRow<T>>(lattice),
            run =>
            {
                use(run, from, to);
                return true;
            }));

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

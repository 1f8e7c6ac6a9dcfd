using System.Numerics;

namespace DaML.Components;

/// <summary>
/// A run of the model, kept as some of its states. If there is space, these are the states at all stages of every step; otherwise the
/// first state and others evenly spaced, and the states in between are computed again when they are needed.
/// </summary>
internal sealed class Trajectory<T> where T : unmanaged, INumber<T>
{
    private readonly FieldBlock<T, AlongRow<T>>[] kept;

    /// <param name="lattice">The grid.</param>
    /// <param name="start">The first state, which the trajectory takes over.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="keptStates">The largest number of states that may be kept.</param>
    public Trajectory(Lattice<T> lattice, FieldBlock<T, AlongRow<T>> start, long steps, int keptStates)
    {
        Steps = steps;
        long count = Math.Max(1, Math.Min(steps, keptStates));
        Stride = Math.Max(1, (steps + count - 1) / count);
        kept = new FieldBlock<T, AlongRow<T>>[Math.Max(1, (steps + Stride - 1) / Stride)];
        kept[0] = start;
        for (int i = 1; i < kept.Length; i++) kept[i] = new(lattice);
        if (4 * steps <= keptStates)
            Stages = [.. kept.Take((int)steps).Select(state => new[] { state, new(lattice), new(lattice), new(lattice) })];
    }

    /// <summary>The number of steps of the run.</summary>
    public long Steps { get; }

    /// <summary>The number of steps from one kept state to the next.</summary>
    public long Stride { get; }

    /// <summary>The states of the steps 0, <see cref="Stride"/>, 2 <see cref="Stride"/>, ...</summary>
    public IReadOnlyList<FieldBlock<T, AlongRow<T>>> Kept => kept;

    /// <summary>The states at the four stages of each step; null if they are not kept.</summary>
    public IReadOnlyList<FieldBlock<T, AlongRow<T>>[]>? Stages { get; }

    /// <summary>Runs the model and keeps its states; it runs on to the end if there is a place for the last state.</summary>
    public UnsoundState? Run(ForwardRun<T, AlongRow<T>> forward, FieldBlock<T, AlongRow<T>>? end, int threads)
    {
        List<(long, FieldBlock<T, AlongRow<T>>?)> wanted =
            [.. kept.Select((block, i) => (i * Stride, (FieldBlock<T, AlongRow<T>>?)block)).Skip(1)];
        if (end is not null || Stages is not null) wanted.Add((Steps, end));
        return forward.Run(kept[0], wanted, threads, Stages);
    }
}

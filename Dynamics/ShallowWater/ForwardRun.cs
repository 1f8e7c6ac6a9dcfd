using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>The first unsound state of a run: its row in the batch, and the number of steps that led to it.</summary>
internal readonly record struct UnsoundState(long Row, long Step);

/// <summary>Runs the model from one state, or from as many states as share vectors; its memory is kept for the next run.</summary>
internal sealed unsafe class ForwardRun<T, TLanes>(Lattice<T> lattice) where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private readonly List<TendencySweep<T, TLanes>> sweeps = [];
    private FieldBlock<T, TLanes> state = new(lattice), next = new(lattice);

    /// <summary>Runs from one address to another; returns the lane and step if a state runs dry or overflows.</summary>
    public UnsoundState? Run(T* from, T* to, long steps, int threads)
    {
        state.Load(from);
        for (long step = 0; step < steps; step++)
        {
            if (Step(state, next, null, threads) is { } lane) return new(lane, step);
            (state, next) = (next, state);
        }
        if (UnsoundLane(state.Sound()) is { } last) return new(last, steps);
        state.Store(to);
        return null;
    }

    /// <summary>
    /// Computes the states after given numbers of steps, in blocks of the caller, and those at all stages of the steps if there is space
    /// for them.
    /// </summary>
    public UnsoundState? Run(FieldBlock<T, TLanes> start, IReadOnlyList<(long Step, FieldBlock<T, TLanes>? Block)> wanted, int threads,
        IReadOnlyList<FieldBlock<T, TLanes>[]>? stages)
    {
        (FieldBlock<T, TLanes> from, long step) = (start, 0);
        foreach (var (at, block) in wanted)
            for (; step < at; step++)
            {
                var to = step + 1 == at ? block : from == state ? next : state;
                if (Step(from, to, stages?[(int)step], threads) is { } lane) return new(lane, step);
                from = to ?? from;
            }
        return UnsoundLane(from.Sound()) is { } last ? new(last, step) : null;
    }

    /// <summary>
    /// Makes a step, in independent bands of rows; the numbers do not depend on how many bands there are. Returns the lane in which the
    /// state at the step's beginning is unsound.
    /// </summary>
    /// <param name="from">The state at the step's beginning.</param>
    /// <param name="to">Receives the state at the step's end; null if only the stages are needed.</param>
    /// <param name="stages">
    /// Four places, of which the second to the fourth receive the states at those stages; null if these are not needed.
    /// </param>
    /// <param name="threads">The largest number of threads.</param>
    public int? Step(FieldBlock<T, TLanes> from, FieldBlock<T, TLanes>? to, FieldBlock<T, TLanes>[]? stages, int threads)
    {
        int ny = lattice.Ny, bands = Math.Min(threads, SharedWork.Threads(ny, lattice.TimeOfStep / ny));
        while (sweeps.Count < bands) sweeps.Add(new(lattice));
        SharedWork.ForEach(bands, lattice.TimeOfStep / bands, (first, end) =>
        {
            for (int band = (int)first; band < end; band++) Band(band);
        });
        var sound = Vector256<T>.AllBitsSet;
        for (int band = 0; band < bands; band++) sound &= sweeps[band].Sound;
        return UnsoundLane(sound);

        void Band(int band)
        {
            var sweep = sweeps[band];
            sweep.Reset();
            sweep.Run(from, to, ny * band / bands, ny * (band + 1) / bands, stages);
        }
    }

    private static int? UnsoundLane(Vector256<T> sound)
    {
        if (Vector256.EqualsAll(sound.As<T, byte>(), Vector256<byte>.AllBitsSet)) return null;
        if (TLanes.Fields == 1) return 0;
        var bits = sound.As<T, byte>();
        int lane = 0;
        while (bits[lane * sizeof(T)] != 0) lane++;
        return lane;
    }
}

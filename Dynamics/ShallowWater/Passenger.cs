using System.Numerics;

namespace DaML;

/// <summary>Perturbations or sensitivities that are carried along a trajectory: one, or as many as share vectors.</summary>
internal abstract unsafe class Passenger<T> where T : unmanaged
{
    /// <summary>How many there are.</summary>
    public abstract int Count { get; }

    /// <summary>Takes those that lie one after the other at an address.</summary>
    public abstract void Load(T* vectors);

    /// <summary>Puts them one after the other at an address.</summary>
    public abstract void Store(T* vectors);

    /// <summary>Makes ready for a step, and says the first and last value of t for which there is something to do.</summary>
    public abstract (int First, int Last) Begin();

    /// <summary>Row t of the step's first stage, and what follows from it.</summary>
    public abstract void Advance(int t);

    /// <summary>Ends the step.</summary>
    public abstract void End();
}

/// <inheritdoc/>
internal sealed unsafe class Passenger<T, TLanes>(Lattice<T> lattice, RowSweep<T, TLanes> sweep) : Passenger<T> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private FieldBlock<T, TLanes> now = new(lattice), next = new(lattice);

    public override int Count => TLanes.Fields;

    public override void Load(T* vectors) => now.Load(vectors);

    public override void Store(T* vectors) => now.Store(vectors);

    public override (int First, int Last) Begin()
    {
        sweep.Begin(now, next, 0, lattice.Ny);
        return sweep.Times;
    }

    public override void Advance(int t) => sweep.Advance(t);

    public override void End() => (now, next) = (next, now);
}

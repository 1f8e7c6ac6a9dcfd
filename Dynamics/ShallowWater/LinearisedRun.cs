using System.Numerics;

namespace DaML;

/// <summary>
/// Carries several vectors along one trajectory at once: a forward sweep computes the stages of each step from the step's state, once
/// for all vectors, row by row just ahead of them. Its memory is kept for the next run.
/// </summary>
internal sealed unsafe class LinearisedRun<T> where T : unmanaged, INumber<T>
{
    // The last stage of the forward sweep is three rows behind its first, and an adjoint begins with that stage.
    private const int Lag = 3;

    // Rows on either side that an adjoint step needs of what its last stage sees.
    private const int Ahead = 4;

    private readonly Lattice<T> lattice;
    private readonly StageCoefficients<T> coefficients;
    private readonly TendencySweep<T, AlongRow<T>> forward;
    private readonly ForwardRun<T, AlongRow<T>> plain;
    private readonly List<Passenger<T>> tangentGroups = [], tangents = [], adjointGroups = [], adjoints = [];
    private readonly List<FieldBlock<T, AlongRow<T>>> segment = [];
    private FieldBlock<T, AlongRow<T>> state, next;

    public LinearisedRun(Lattice<T> lattice)
    {
        this.lattice = lattice;
        coefficients = new(lattice);
        forward = new(lattice, coefficients);
        plain = new(lattice);
        (state, next) = (new(lattice), new(lattice));
    }

    /// <summary>M' of so many perturbations at an address.</summary>
    public void TangentLinear(Trajectory<T> trajectory, T* perturbations, T* results, int count)
    {
        var passengers = Passengers(count, tangentGroups, tangents, Group: () => new Passenger<T, AcrossFields<T>>(lattice, new TangentLinearSweep<T, AcrossFields<T>>(lattice, forward, coefficients)),
            Single: () => new Passenger<T, AlongRow<T>>(lattice, new TangentLinearSweep<T, AlongRow<T>>(lattice, forward, coefficients)));
        Load(passengers, perturbations);
        var from = trajectory.Kept[0];
        for (long step = 0; step < trajectory.Steps; step++)
        {
            if (trajectory.Stride == 1) from = trajectory.Kept[(int)step];
            bool goesOn = trajectory.Stride > 1 && step + 1 < trajectory.Steps;
            forward.Begin(from, goesOn ? next : null, 0, lattice.Ny);
            Sweep(passengers, 0);
            if (!goesOn) continue;
            from = next;
            (state, next) = (next, state);
        }
        Store(passengers, results);
    }

    /// <summary>M'^T of so many sensitivities at an address.</summary>
    public void Adjoint(Trajectory<T> trajectory, T* sensitivities, T* results, int count)
    {
        var passengers = Passengers(count, adjointGroups, adjoints, Group: () => new Passenger<T, AcrossFields<T>>(lattice, new AdjointSweep<T, AcrossFields<T>>(lattice, forward, coefficients)),
            Single: () => new Passenger<T, AlongRow<T>>(lattice, new AdjointSweep<T, AlongRow<T>>(lattice, forward, coefficients)));
        Load(passengers, sensitivities);
        while (segment.Count < trajectory.Stride - 1) segment.Add(new(lattice));
        for (int part = trajectory.Kept.Count - 1; part >= 0; part--)
        {
            long length = Math.Min(trajectory.Stride, trajectory.Steps - part * trajectory.Stride);
            plain.Run(trajectory.Kept[part], [.. segment.Take((int)length - 1).Select((block, i) => (i + 1L, block))], threads: 1);
            for (long step = length - 1; step >= 0; step--)
            {
                forward.Begin(step == 0 ? trajectory.Kept[part] : segment[(int)step - 1], null, -Ahead, lattice.Ny + Ahead);
                Sweep(passengers, Lag);
            }
        }
        Store(passengers, results);
    }

    private void Sweep(List<Passenger<T>> passengers, int lag)
    {
        var (first, last) = forward.Times;
        foreach (var passenger in passengers) last = Math.Max(last, passenger.Begin().Last + lag);
        int rows = Math.Min(4, forward.RowsAtOnce);
        for (int t = first; t < last + rows; t += rows)
        {
            forward.Advance(t);
            foreach (var passenger in passengers) passenger.Advance(t - lag);
        }
        foreach (var passenger in passengers) passenger.End();
    }

    // As many groups that share vectors as there are, and the rest one by one.
    private static List<Passenger<T>> Passengers(int count, List<Passenger<T>> groups, List<Passenger<T>> singles, Func<Passenger<T>> Group, Func<Passenger<T>> Single)
    {
        int full = count / Vector<T>.Count, rest = count % Vector<T>.Count;
        while (groups.Count < full) groups.Add(Group());
        while (singles.Count < rest) singles.Add(Single());
        return [.. groups.Take(full), .. singles.Take(rest)];
    }

    private void Load(List<Passenger<T>> passengers, T* vectors)
    {
        foreach (var passenger in passengers)
        {
            passenger.Load(vectors);
            vectors += (long)passenger.Count * lattice.Dimension;
        }
    }

    private void Store(List<Passenger<T>> passengers, T* vectors)
    {
        foreach (var passenger in passengers)
        {
            passenger.Store(vectors);
            vectors += (long)passenger.Count * lattice.Dimension;
        }
    }
}

using System.Numerics;

namespace DaML.Components;

/// <summary>Carries vectors along a trajectory, one by one or in groups.</summary>
internal unsafe interface ILinearisedRun<T> where T : unmanaged, INumber<T>
{
    /// <summary>Carries perturbations to the end of the trajectory.</summary>
    void TangentLinear(Trajectory<T> trajectory, T* perturbations, T* results);

    /// <summary>Carries sensitivities back to its start.</summary>
    void Adjoint(Trajectory<T> trajectory, T* sensitivities, T* results);
}

/// <summary>
/// Propagates perturbations or sensitivities along a trajectory: one vector, or as many as share vectors. Its memory is kept for the next
/// run.
/// </summary>
internal sealed unsafe class LinearisedRun<T, TLanes> : ILinearisedRun<T> where T : unmanaged, INumber<T> where TLanes : struct, ILanes<T>
{
    private readonly Lattice<T> lattice;
    private readonly StageCoefficients<T> coefficients;
    private readonly TangentLinearSweep<T, TLanes> tangentLinear;
    private readonly AdjointSweep<T, TLanes> adjoint;
    private readonly ForwardRun<T, AlongRow<T>> forward;
    private readonly List<FieldBlock<T, AlongRow<T>>[]> computed = [];
    private FieldBlock<T, TLanes> now, next;

    public LinearisedRun(Lattice<T> lattice)
    {
        this.lattice = lattice;
        coefficients = new(lattice);
        tangentLinear = new(lattice, coefficients);
        adjoint = new(lattice, coefficients);
        forward = new(lattice);
        (now, next) = (new(lattice), new(lattice));
    }

    /// <summary>Applies M' to the perturbations at an address.</summary>
    public void TangentLinear(Trajectory<T> trajectory, T* perturbations, T* results)
    {
        now.Load(perturbations);
        for (long step = 0; step < trajectory.Steps; step++)
        {
            if (trajectory.Stages is null) Compute(trajectory, step, place: (int)(step & 1), nextPlace: (int)(~step & 1));
            Sweep(tangentLinear, Stages(trajectory, step, place: (int)(step & 1)), Kept(trajectory, step + 1));
        }
        now.Store(results);
    }

    /// <summary>Applies M'^T to the sensitivities at an address.</summary>
    public void Adjoint(Trajectory<T> trajectory, T* sensitivities, T* results)
    {
        now.Load(sensitivities);
        for (long step = trajectory.Steps - 1; step >= 0; step--)
        {
            int place = (int)(step % trajectory.Stride);
            if (trajectory.Stages is null && (place == trajectory.Stride - 1 || step == trajectory.Steps - 1))
                for (int i = 0; i <= place; i++) Compute(trajectory, step - place + i, i, i + 1);
            Sweep(adjoint, Stages(trajectory, step, place), Kept(trajectory, step - 1));
        }
        now.Store(results);
    }

    // Computes the stages of a step from its state: a kept one, or the one that the previous step has left in its place.
    private void Compute(Trajectory<T> trajectory, long step, int place, int nextPlace)
    {
        while (computed.Count <= Math.Max(place, nextPlace)) computed.Add([new(lattice), new(lattice), new(lattice), new(lattice)]);
        var stages = Stages(trajectory, step, place);
        bool nextIsKept = (step + 1) % trajectory.Stride == 0 || step + 1 == trajectory.Steps;
        forward.Step(stages[0], nextIsKept ? null : computed[nextPlace][0], stages, threads: 1);
    }

    private FieldBlock<T, AlongRow<T>>[] Stages(Trajectory<T> trajectory, long step, int place) =>
        trajectory.Stages is { } kept ? kept[(int)step]
        : step % trajectory.Stride == 0 ? [trajectory.Kept[(int)(step / trajectory.Stride)], .. computed[place][1..]]
        : computed[place];

    private static FieldBlock<T, AlongRow<T>>[]? Kept(Trajectory<T> trajectory, long step) =>
        trajectory.Stages is { } kept && step >= 0 && step < kept.Count ? kept[(int)step] : null;

    private void Sweep(RowSweep<T, TLanes> sweep, FieldBlock<T, AlongRow<T>>[] stages, FieldBlock<T, AlongRow<T>>[]? following)
    {
        coefficients.Begin(stages, following);
        sweep.Run(now, next, 0, lattice.Ny);
        (now, next) = (next, now);
    }
}

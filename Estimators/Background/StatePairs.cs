using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Reads the states of a model from a column of a view, in pairs a number of cycles apart: the column itself or, if the model's state is
/// L times as large, L successive cycles (<see cref="LaggedStates"/>).
/// </summary>
internal sealed class StatePairs
{
    private readonly ITrajectoryView view;
    private readonly Column column;
    private readonly bool masked;
    private readonly string user;

    /// <param name="dynamics">The model, of dimension n.</param>
    /// <param name="view">The view.</param>
    /// <param name="column">Its column, <c>[n]</c> or <c>[n / L]</c>.</param>
    /// <param name="user">The user of the states, for messages.</param>
    /// <exception cref="SchemaException">The view does not have the column.</exception>
    /// <exception cref="ArgumentException">The column's size does not divide the model's dimension, there are fewer cycles than lags, or
    /// the view never ends.</exception>
    public StatePairs(IDynamics dynamics, ITrajectoryView view, Column column, string user)
    {
        if (view.CycleCount is null)
            throw new ArgumentException($"{user} of {dynamics.Name} is estimated from all cycles of a view, and this view is endless; " +
                $"use {nameof(TrajectoryViewExtensions.Take)}.", nameof(view));
        var shape = view.Schema[column].Shape;
        if (shape.Length != 1 || shape[0] < 1 || dynamics.Dimension % shape[0] != 0)
            throw new ArgumentException($"{user} of {dynamics.Name} needs a column whose size is the state's, {dynamics.Dimension}, or " +
                "divides it where " +
                $"the state is a window of lags; '{column}' has shape {ColumnDefinition.Describe(shape)}.");
        ColumnSize = shape[0];
        this.user = user;
        int lags = (int)(dynamics.Dimension / ColumnSize);
        this.column = lags == 1 ? column : new Column($"{column}-with-{lags}-lags");
        masked = lags == 1 && view.Schema.Has(Columns.MaskOf(column));   // LaggedStates refuse gaps themselves
        this.view = lags == 1 ? view : new LaggedStates(column, this.column, lags).Transform(view);
    }

    /// <summary>r, the size of the column.</summary>
    public long ColumnSize { get; }

    /// <summary>
    /// Reads states with their times, in double precision, <c>[batch, n]</c> each, which live while their element of the sequence is in
    /// use. With a lead of zero both are the same.
    /// </summary>
    /// <param name="lead">The number of cycles between them.</param>
    /// <param name="cancellation">Checked in every cycle.</param>
    /// <exception cref="ArgumentException">A value is missing or non-finite, or cycles are not evenly spaced.</exception>
    public IEnumerable<(Tensor Earlier, Tensor Later, TimeInterval Between)> Apart(int lead, CancellationToken cancellation)
    {
        var recent = new Queue<(Tensor State, double Time)>();
        var spacing = new EvenSpacing();
        using var cursor = view.OpenCursor();
        try
        {
            while (cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                if (spacing.Gap(cursor.Time) is var (apart, usual))
                    throw new ArgumentException($"{user} needs evenly spaced cycles, and the view has a gap: cycle {cursor.Cycle} " +
                        $"(time {cursor.Time:g9}) comes {apart:g6} after the one before; the cycles before it are {usual:g6} apart. " +
                        "Give the part of the view before or after the gap.");
                using var scope = NewDisposeScope();
                if (masked) cursor.RequireComplete(column, user);
                var state = Require.Finite(cursor[column], $"'{column}' of cycle {cursor.Cycle}")
                    .to(ScalarType.Float64, copy: true).DetachFromDisposeScope();
                recent.Enqueue((state, cursor.Time));
                if (recent.Count <= lead) continue;
                var (earlier, time) = recent.Dequeue();
                try { yield return (earlier, state, new TimeInterval(time, cursor.Time)); }
                finally { earlier.Dispose(); }
            }
        }
        finally
        {
            foreach (var (state, _) in recent) state.Dispose();
        }
    }

    /// <summary>Computes the number of cycles that one step of a model takes.</summary>
    /// <param name="dynamics">The model.</param>
    /// <exception cref="ArgumentException">A step is not a whole number of cycles.</exception>
    public int CyclesOfStep(IDynamics dynamics)
    {
        using var cursor = view.OpenCursor();
        double first = cursor.MoveNext() ? cursor.Time : 0, spacing = cursor.MoveNext() ? cursor.Time - first : dynamics.TimeStep;
        double cycles = dynamics.TimeStep / spacing;
        return cycles > 0.5 && Math.Abs(cycles - Math.Round(cycles)) <= TimeInterval.DefaultTolerance * cycles ? (int)Math.Round(cycles)
            : throw new ArgumentException($"{user} of {dynamics.Name} needs a view in which one step of {dynamics.TimeStep:g6} " +
                $"is a whole number of cycles; its cycles are {spacing:g6} apart.");
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The states of a model in a column of a view: the column itself, or, where the model's state is L times as large, L cycles that follow
/// each other, the newest first.
/// </summary>
internal sealed class LaggedStates
{
    private readonly IDynamics dynamics;
    private readonly ITrajectoryView view;
    private readonly Column column;
    private readonly int lags;
    private readonly string user;

    /// <param name="dynamics">The model, of dimension n.</param>
    /// <param name="view">The view.</param>
    /// <param name="column">Its column, <c>[n]</c> or <c>[n / L]</c>.</param>
    /// <param name="user">What needs the states, for messages.</param>
    /// <exception cref="SchemaException">The view does not have the column.</exception>
    /// <exception cref="ArgumentException">Its dimension does not divide the model's.</exception>
    public LaggedStates(IDynamics dynamics, ITrajectoryView view, Column column, string user)
    {
        (this.dynamics, this.view, this.column, this.user) = (dynamics, view, column, user);
        var shape = view.Schema[column].Shape;
        ColumnSize = shape.Length == 1 && shape[0] > 0 && dynamics.Dimension % shape[0] == 0 ? shape[0]
            : throw new ArgumentException($"{user} of {dynamics.Name} needs a column whose size is the state's {dynamics.Dimension}, or divides it where the state is a window of " +
                $"lags; '{column}' has shape {ColumnDefinition.Describe(shape)}.");
        lags = (int)(dynamics.Dimension / ColumnSize);
    }

    /// <summary>r, the size of the column.</summary>
    public long ColumnSize { get; }

    /// <summary>
    /// States so many cycles apart with their times, in double precision, <c>[batch, n]</c> each; of the caller's dispose scope, which encloses one
    /// element of the sequence. With a lead of zero both are the same.
    /// </summary>
    /// <exception cref="ArgumentException">A value is not finite, or times are not evenly spaced.</exception>
    public IEnumerable<(Tensor Earlier, Tensor Later, TimeInterval Between)> Pairs(int lead, CancellationToken cancellation)
    {
        var recent = new List<(Tensor Values, double Time)>(); // the newest first
        double spacing = 0;
        using var cursor = view.OpenCursor();
        try
        {
            while (cursor.MoveNext())
            {
                cancellation.ThrowIfCancellationRequested();
                var values = Require.Finite(cursor[column], $"'{column}' of cycle {cursor.Cycle}").to(ScalarType.Float64, copy: true).DetachFromDisposeScope();
                if (recent.Count > 0) Check(ref spacing, cursor.Time - recent[0].Time, cursor);
                recent.Insert(0, (values, cursor.Time));
                if (recent.Count > lags + lead)
                {
                    recent[^1].Values.Dispose();
                    recent.RemoveAt(recent.Count - 1);
                }
                if (recent.Count < lags + lead) continue;
                using var scope = NewDisposeScope();
                yield return (State(recent, lead), State(recent, 0), new TimeInterval(recent[lead].Time, recent[0].Time));
            }
        }
        finally
        {
            foreach (var (values, _) in recent) values.Dispose();
        }
    }

    private Tensor State(List<(Tensor Values, double Time)> recent, int first) =>
        lags == 1 ? recent[first].Values.alias() : cat([.. recent.GetRange(first, lags).Select(cycle => cycle.Values)], -1);

    private void Check(ref double spacing, double found, ITrajectoryCursor cursor)
    {
        double step = dynamics.TimeStep;
        if (spacing == 0)
        {
            if (lags > 1 && Math.Abs(found - step) > TimeInterval.DefaultTolerance * step)
                throw new ArgumentException($"{user} of {dynamics.Name}, whose state is a window of {lags} steps of {step:g6}, needs cycles that far apart; those of the view are {found:g6} apart.");
            spacing = found;
        }
        else if (Math.Abs(found - spacing) > TimeInterval.DefaultTolerance * step)
            throw new ArgumentException($"{user} needs evenly spaced cycles; cycle {cursor.Cycle} of the view, at time {cursor.Time:g9}, comes {found:g6} after the one before, where " +
                $"{spacing:g6} is usual. Give the piece of the view before or after the gap.");
    }
}

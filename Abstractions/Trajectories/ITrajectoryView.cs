using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A lazy, restartable, possibly unbounded sequence of cycles for a batch of independent trajectories, as a data view is a sequence of
/// rows. Opening a cursor twice gives the same cycles to the bit.
/// </summary>
public interface ITrajectoryView
{
    /// <summary>The columns and the number of trajectories.</summary>
    TrajectorySchema Schema { get; }

    /// <summary>The number of cycles; null if the view never ends.</summary>
    long? CycleCount { get; }

    /// <summary>
    /// The time of the state before the first cycle, in the model's unit; a filter's first forecast starts from it. If it is also the
    /// time of the first cycle, that cycle's observation is of the initial state itself. Null if unknown, as for many files: methods that
    /// start from this time refuse the view.
    /// </summary>
    double? StartTime { get; }

    /// <summary>Starts reading at the first cycle. Cursors are independent; each serves one thread.</summary>
    ITrajectoryCursor OpenCursor();
}

/// <summary>
/// Reads a view cycle by cycle. The tensors of a cycle belong to the cursor and live until the next <see cref="MoveNext"/>: clone those
/// you want to keep.
/// </summary>
public interface ITrajectoryCursor : IDisposable
{
    /// <summary>Moves to the next cycle.</summary>
    /// <returns>False after the last one.</returns>
    bool MoveNext();

    /// <summary>The cycle's number, from 0; -1 before the first.</summary>
    long Cycle { get; }

    /// <summary>The cycle's time in the model's unit.</summary>
    double Time { get; }

    /// <summary>The values of a column in this cycle, <c>[batch, shape...]</c>.</summary>
    /// <exception cref="SchemaException">The view does not have it.</exception>
    Tensor this[Column column] { get; }

    /// <summary>
    /// The network of this cycle, if operator, places or errors change from cycle to cycle (default: null, the network that the method
    /// was given). If it has fewer observations than the column <see cref="Columns.Observation"/>, only the first ones of the column
    /// count.
    /// </summary>
    IObservationNetwork? Network => null;

    /// <summary>
    /// The density q^b over states before the cycle's observation was used; it lives as long as the cycle. Null if no method gives one,
    /// or if a later step has left the space of the method. A step that selects trajectories, or that changes the truth, the observation,
    /// the forecast or the analysis, does not pass densities on.
    /// </summary>
    IDensity? ForecastDensity => null;

    /// <summary>The density q^a over states after the cycle's observation was used; null as for <see cref="ForecastDensity"/>.</summary>
    IDensity? AnalysisDensity => null;
}

/// <summary>Extensions of views.</summary>
public static class TrajectoryViewExtensions
{
    /// <summary>
    /// Enumerates the cycles of a view: <c>foreach (var cycle in view)</c>. The cycle is the cursor itself, so its tensors live until the
    /// next one; the cursor is disposed when the loop ends or is left.
    /// </summary>
    public static IEnumerator<ITrajectoryCursor> GetEnumerator(this ITrajectoryView view)
    {
        using var cursor = view.OpenCursor();
        while (cursor.MoveNext()) yield return cursor;
    }

    /// <summary>The first <paramref name="count"/> cycles of a view.</summary>
    public static ITrajectoryView Take(this ITrajectoryView view, long count) => new TakenView(view, Require.AtLeast(count, 1));

    /// <summary>
    /// Assigns a network to each cycle of a view, for operators, places and errors that change from cycle to cycle
    /// (<see cref="ITrajectoryCursor.Network"/>). Methods use it in place of the network they were given; those that cannot refuse the
    /// view.
    /// </summary>
    /// <param name="view">A view with observations.</param>
    /// <param name="network">
    /// The network of a cycle, given its number from 0 and its time. It has at most as many observations as the column; return the same
    /// object for the same network, so that methods do not prepare for it again. Null = the network that the method was given.
    /// </param>
    public static ITrajectoryView ObservedBy(this ITrajectoryView view, Func<long, double, IObservationNetwork?> network) =>
        new TrajectoryView(view.Schema, view, source => new ObservedCursor(source, network));

    /// <summary>Refuses a cycle in which values of a column are missing, for steps where they would enter other values unnoticed.</summary>
    /// <param name="cycle">The cycle.</param>
    /// <param name="column">The column, which has a mask.</param>
    /// <param name="step">The step that needs the values, for the message.</param>
    /// <exception cref="ArgumentException">A value is missing.</exception>
    public static void RequireComplete(this ITrajectoryCursor cycle, Column column, string step)
    {
        var there = cycle[Columns.MaskOf(column)];
        if (there.all().ToBoolean()) return;
        throw new ArgumentException(
            $"{step} needs complete values; the column '{column}' lacks {there.logical_not().sum().ToInt64()} of its " +
            $"{there.numel()} in cycle {cycle.Cycle} (time {cycle.Time:g9}). Fill them, or leave the cycle out.");
    }

    /// <summary>The time of the state before a view's first cycle.</summary>
    /// <param name="view">The view.</param>
    /// <param name="user">The step that starts at this time, for the message.</param>
    /// <exception cref="ArgumentException">The view does not have a start time.</exception>
    public static double RequireStartTime(this ITrajectoryView view, string user) => view.StartTime
        ?? throw new ArgumentException($"{user} starts at the state before the first cycle, and the view has no time for that state: " +
            "it comes from a file without a start time. Give StartTime in the options with which the file is read: a number in the " +
            "view's unit, FileStart.OneIntervalBefore (as long before the first cycle as the second is after it), or " +
            "FileStart.AtFirstCycle (the first observation is of the initial state).");

    private sealed class ObservedCursor(ITrajectoryCursor source, Func<long, double, IObservationNetwork?> network)
        : TrajectoryCursor(source)
    {
        private IObservationNetwork? current;

        public override IObservationNetwork? Network => current;

        protected override bool Compute(long cycle)
        {
            current = network(cycle, Time);
            return true;
        }
    }

    private sealed class TakenView(ITrajectoryView source, long count) : ITrajectoryView
    {
        public TrajectorySchema Schema => source.Schema;
        public long? CycleCount => source.CycleCount is { } known ? Math.Min(known, count) : count;
        public double? StartTime => source.StartTime;
        public ITrajectoryCursor OpenCursor() => new Cursor(source.OpenCursor(), count);

        private sealed class Cursor(ITrajectoryCursor inner, long count) : ITrajectoryCursor
        {
            public long Cycle => inner.Cycle;
            public double Time => inner.Time;
            public Tensor this[Column column] => inner[column];
            public IObservationNetwork? Network => inner.Network;
            public IDensity? ForecastDensity => inner.ForecastDensity;
            public IDensity? AnalysisDensity => inner.AnalysisDensity;
            public bool MoveNext() => inner.Cycle + 1 < count && inner.MoveNext();
            public void Dispose() => inner.Dispose();
        }
    }
}

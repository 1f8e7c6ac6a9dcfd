using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Passes a view on and counts what is asked of it.</summary>
internal sealed class WatchedView(ITrajectoryView inner) : ITrajectoryView
{
    /// <summary>Cursors that were opened and not disposed.</summary>
    public int Open;

    /// <summary>Cursors that were opened.</summary>
    public int Opened;

    /// <summary>How often a cursor was disposed.</summary>
    public int Disposed;

    /// <summary>How often a column was read.</summary>
    public Dictionary<Column, int> Reads { get; } = [];

    /// <summary>Called before a cursor moves on, with the cycle it leaves.</summary>
    public Action<long> Moving { get; init; } = _ => { };

    public TrajectorySchema Schema => inner.Schema;
    public long? CycleCount => inner.CycleCount;
    public double? StartTime => inner.StartTime;

    public ITrajectoryCursor OpenCursor()
    {
        Interlocked.Increment(ref Open);
        Interlocked.Increment(ref Opened);
        return new Cursor(this, inner.OpenCursor());
    }

    private sealed class Cursor(WatchedView view, ITrajectoryCursor inner) : ITrajectoryCursor
    {
        public long Cycle => inner.Cycle;
        public double Time => inner.Time;

        public Tensor this[Column column]
        {
            get
            {
                lock (view.Reads) view.Reads[column] = view.Reads.GetValueOrDefault(column) + 1;
                return inner[column];
            }
        }

        public bool MoveNext()
        {
            view.Moving(inner.Cycle);
            return inner.MoveNext();
        }

        public void Dispose()
        {
            Interlocked.Decrement(ref view.Open);
            Interlocked.Increment(ref view.Disposed);
            inner.Dispose();
        }
    }
}

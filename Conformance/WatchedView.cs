using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A view that records its use: cursors opened and closed, cycles read, and columns whose tensors the reader changed or disposed.
/// </summary>
internal sealed class WatchedView(ITrajectoryView source) : ITrajectoryView
{
    private int opened, closed, moves;
    private readonly List<string> damage = [];

    public int Opened => opened;
    public int Closed => closed;
    public int Moves => moves;

    /// <summary>A description of the damage that the reader did to the columns; empty if none.</summary>
    public IReadOnlyList<string> Damage => damage;

    public TrajectorySchema Schema => source.Schema;
    public long? CycleCount => source.CycleCount;
    public double? StartTime => source.StartTime;

    public ITrajectoryCursor OpenCursor()
    {
        Interlocked.Increment(ref opened);
        return new Cursor(this, source.OpenCursor());
    }

    private sealed class Cursor(WatchedView view, ITrajectoryCursor inner) : ITrajectoryCursor
    {
        private readonly Dictionary<Column, (Tensor Tensor, byte[] Bits)> given = [];
        private bool disposed;

        public long Cycle => inner.Cycle;
        public double Time => inner.Time;
        public IObservationNetwork? Network => inner.Network;
        public IDensity? ForecastDensity => inner.ForecastDensity;
        public IDensity? AnalysisDensity => inner.AnalysisDensity;

        public Tensor this[Column column]
        {
            get
            {
                var tensor = inner[column];
                if (!given.ContainsKey(column)) given.Add(column, (tensor, TensorBits.Of(tensor)));
                return tensor;
            }
        }

        public bool MoveNext()
        {
            Look();
            Interlocked.Increment(ref view.moves);
            return inner.MoveNext();
        }

        public void Dispose()
        {
            if (disposed) return;
            disposed = true;
            Look();
            Interlocked.Increment(ref view.closed);
            inner.Dispose();
        }

        private void Look()
        {
            foreach (var (column, (tensor, bits)) in given)
                if (tensor.IsInvalid) view.damage.Add($"it disposes the column '{column}' of its input");
                else if (!TensorBits.Of(tensor).AsSpan().SequenceEqual(bits))
                    view.damage.Add($"it changes the column '{column}' of its input");
            given.Clear();
        }
    }
}

/// <summary>A view without some of its columns, for a step that must refuse it.</summary>
internal sealed class ViewWithout(ITrajectoryView source, Column missing) : ITrajectoryView
{
    public TrajectorySchema Schema =>
        new(source.Schema.Batch, [.. source.Schema.Definitions.Where(definition => definition.Column != missing)]);
    public long? CycleCount => source.CycleCount;
    public double? StartTime => source.StartTime;
    public ITrajectoryCursor OpenCursor() => source.OpenCursor();
}

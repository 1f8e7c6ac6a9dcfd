using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Presents a bounded trajectory view as ML.NET's <see cref="IDataView"/>: one row per cycle and trajectory, the trajectories of a cycle
/// one after the other.
/// </summary>
/// <remarks>
/// <para>
/// The columns are <c>Cycle</c> (Int64, from 0), <c>Trajectory</c> (Int32, from 0), <c>Time</c> (Double, in the model's unit) and then
/// those of the view. A column of shape <c>[]</c> is a scalar, for instance a label; any other is a vector of fixed size with the
/// column's shape as its dimensions, row-major.
/// </para>
/// <para>
/// Masks (<see cref="Columns.MaskOf"/>) and <see cref="Columns.Diverged"/> are Boolean. All other columns are Single, which ML.NET's
/// trainers require; a view in double precision is rounded to it. Double keeps every digit, for transforms that accept it. A value that
/// the column's mask calls missing is NaN, ML.NET's missing value.
/// </para>
/// <para>
/// Cycles are computed while a cursor moves, again for each cursor: apply <c>mlContext.Data.Cache</c> to a view that is expensive to
/// compute. The view does not shuffle rows. ML.NET offers no cancellation: an exception of the view,
/// <see cref="OperationCanceledException"/> included, ends the pass over the rows.
/// </para>
/// </remarks>
public sealed class TrajectoryDataView : IDataView
{
    private static readonly (string Name, DataViewType Type)[] OwnColumns =
        [("Cycle", NumberDataViewType.Int64), ("Trajectory", NumberDataViewType.Int32), ("Time", NumberDataViewType.Double)];

    private readonly ITrajectoryView view;
    private readonly ScalarType precision;

    /// <summary>Wraps a view.</summary>
    /// <param name="view">A bounded view; apply <see cref="TrajectoryViewExtensions.Take"/> to one that never ends.</param>
    /// <param name="precision">Float32 for columns of Single, Float64 for columns of Double (default: Float32).</param>
    /// <exception cref="ArgumentException">
    /// The view never ends, a column has the name of a row's own column, or the precision is neither of these.
    /// </exception>
    public TrajectoryDataView(ITrajectoryView view, ScalarType precision = ScalarType.Float32)
    {
        if (view.CycleCount is null)
            throw new ArgumentException(
                "ML.NET reads all rows, and the view is endless; take a number of its cycles first: view.Take(1000).", nameof(view));
        (this.view, this.precision) = (view, RowValues.CheckPrecision(precision));

        var builder = new DataViewSchema.Builder();
        foreach (var (name, type) in OwnColumns) builder.AddColumn(name, type);
        foreach (var definition in view.Schema.Definitions)
        {
            if (OwnColumns.Any(own => own.Name == definition.Column.Name))
                throw new ArgumentException(
                    $"The view's column '{definition.Column}' has the name of a column that every row has; rename it.", nameof(view));
            builder.AddColumn(definition.Column.Name, RowValues.TypeOf(definition, precision));
        }
        Schema = builder.ToSchema();
    }

    /// <inheritdoc/>
    public DataViewSchema Schema { get; }

    /// <inheritdoc/>
    public bool CanShuffle => false;

    /// <inheritdoc/>
    public long? GetRowCount() => view.CycleCount * view.Schema.Batch;

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, columnsNeeded);

    /// <summary>Returns one cursor, whatever <paramref name="n"/>, because each cycle follows from the one before.</summary>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly TrajectoryDataView data;
        private readonly HashSet<int> active;
        private readonly ITrajectoryCursor source;
        private readonly int batch;
        private long position = -1;
        private int trajectory = -1;
        private bool ended, closed;

        public Cursor(TrajectoryDataView data, IEnumerable<DataViewSchema.Column> needed)
        {
            this.data = data;
            batch = checked((int)data.view.Schema.Batch);
            active = [.. needed.Select(column => column.Index)];
            source = data.view.OpenCursor();
        }

        public override DataViewSchema Schema => data.Schema;

        public override long Position => ended ? -1 : position;

        public override long Batch => 0;

        // The row that is being read: its number, its trajectory and its cycle.
        private (long Position, int Trajectory, ITrajectoryCursor Cycle) Row => Position >= 0 ? (position, trajectory, source)
            : throw new InvalidOperationException("The cursor is not on a row: MoveNext was not called yet, or it returned false.");

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override bool MoveNext()
        {
            if (ended) return false;
            if (position < 0 || trajectory == batch - 1)
            {
                ended = true; // also if the view throws
                if (!source.MoveNext())
                {
                    Close(); // some of ML.NET's transforms never dispose the cursors they read
                    return false;
                }
                (ended, trajectory) = (false, -1);
            }
            trajectory++;
            position++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId id) => id = new DataViewRowId((ulong)Row.Position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw RowValues.Inactive(column);
            if (column.Index >= OwnColumns.Length)
                return Getter<TValue>(column, data.view.Schema.Definitions[column.Index - OwnColumns.Length]);
            return RowValues.Checked<TValue>(column, column.Index switch
            {
                0 => (ValueGetter<long>)((ref long value) => value = Row.Cycle.Cycle),
                1 => (ValueGetter<int>)((ref int value) => value = Row.Trajectory),
                _ => (ValueGetter<double>)((ref double value) => value = Row.Cycle.Time),
            });
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) Close();
            base.Dispose(disposing);
        }

        private void Close()
        {
            if (!closed) source.Dispose();
            closed = ended = true;
        }

        // All trajectories of a cycle are fetched at once, when a row of the cycle is first read.
        private ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column, ColumnDefinition definition)
        {
            long fetched = -1;
            Array values = Array.Empty<float>();
            return RowValues.Getter<TValue>(column, definition, data.precision, () =>
            {
                var (_, row, cycle) = Row;
                if (cycle.Cycle != fetched)
                    (values, fetched) = (RowValues.Fetch(cycle, data.view.Schema, definition, data.precision), cycle.Cycle);
                return (values, row);
            });
        }
    }
}

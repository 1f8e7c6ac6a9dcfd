using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A trajectory view that ends, as ML.NET sees data: one row for each cycle and trajectory, with <c>Cycle</c>,
/// <c>Trajectory</c>, <c>Time</c> and the view's columns as vectors of single-precision numbers or truth values. Rows are
/// made as a cursor moves.
/// </summary>
public sealed class TrajectoryDataView : IDataView
{
    private const string CycleName = "Cycle", TrajectoryName = "Trajectory", TimeName = "Time";
    private readonly ITrajectoryView view;
    private readonly HashSet<string> masks;

    /// <summary>Wraps a view.</summary>
    /// <param name="view">A view that ends; put <see cref="TrajectoryViewExtensions.Take"/> on one that does not.</param>
    /// <exception cref="ArgumentException">The view never ends.</exception>
    public TrajectoryDataView(ITrajectoryView view)
    {
        if (view.CycleCount is null) throw new ArgumentException("A view without end has no counterpart in ML.NET; take a number of its cycles first.", nameof(view));
        this.view = view;
        masks = [.. view.Schema.Definitions.Select(definition => definition.Column.Name).Where(name => name.EndsWith("-mask", StringComparison.Ordinal))];
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(CycleName, NumberDataViewType.Int64);
        builder.AddColumn(TrajectoryName, NumberDataViewType.Int32);
        builder.AddColumn(TimeName, NumberDataViewType.Double);
        foreach (var definition in view.Schema.Definitions)
        {
            PrimitiveDataViewType item = masks.Contains(definition.Column.Name) ? BooleanDataViewType.Instance : NumberDataViewType.Single;
            int[] dimensions = definition.Shape.Length == 0 ? [1] : [.. definition.Shape.Select(size => checked((int)size))];
            builder.AddColumn(definition.Column.Name, new VectorDataViewType(item, dimensions));
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
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this, columnsNeeded);

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(TrajectoryDataView data, IEnumerable<DataViewSchema.Column> needed) : DataViewRowCursor
    {
        private readonly ITrajectoryCursor source = data.view.OpenCursor();
        private readonly HashSet<int> active = [.. needed.Select(column => column.Index)];
        private readonly int batch = checked((int)data.view.Schema.Batch);
        private long position = -1;
        private int trajectory = -1;

        public override DataViewSchema Schema => data.Schema;

        public override long Position => position;

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)position, 0);

        public override bool MoveNext()
        {
            if (trajectory < 0 || trajectory == batch - 1)
            {
                if (!source.MoveNext())
                {
                    position = -1;
                    return false;
                }
                trajectory = 0;
            }
            else trajectory++;
            position = source.Cycle * batch + trajectory;
            return true;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw new InvalidOperationException($"The column '{column.Name}' was not asked for when the cursor was opened.");
            Delegate getter = column.Index switch
            {
                0 => (ValueGetter<long>)((ref long value) => value = source.Cycle),
                1 => (ValueGetter<int>)((ref int value) => value = trajectory),
                2 => (ValueGetter<double>)((ref double value) => value = source.Time),
                _ => data.masks.Contains(column.Name) ? Vector<bool>(column.Name, ScalarType.Bool) : Vector<float>(column.Name, ScalarType.Float32),
            };
            return getter as ValueGetter<TValue> ?? throw new InvalidOperationException($"The column '{column.Name}' is of type {column.Type}, not {typeof(TValue).Name}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) source.Dispose();
            base.Dispose(disposing);
        }

        private ValueGetter<VBuffer<T>> Vector<T>(string name, ScalarType dtype) where T : unmanaged
        {
            var key = new Column(name);
            return (ref VBuffer<T> value) =>
            {
                using var scope = NewDisposeScope();
                T[] numbers = source[key][trajectory].to(dtype).cpu().contiguous().data<T>().ToArray();
                var editor = VBufferEditor.Create(ref value, numbers.Length);
                numbers.CopyTo(editor.Values);
                value = editor.Commit();
            };
        }
    }
}

/// <summary>Hands trajectories to ML.NET.</summary>
public static class TrajectoryDataViewExtensions
{
    /// <summary>A view that ends, as an <see cref="IDataView"/>.</summary>
    public static TrajectoryDataView ToDataView(this ITrajectoryView view) => new(view);
}

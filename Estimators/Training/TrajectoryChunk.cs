using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Some cycles of a training view, held in memory so that mini-batches of its trajectories can be taken through them one after the other,
/// in an order drawn anew for each chunk; without an order all trajectories are taken at once.
/// </summary>
internal sealed class TrajectoryChunk : IDisposable
{
    private readonly TrajectorySchema schema;
    private readonly Tensor[] columns;      // [count, batch, shape...] in the schema's order
    private readonly (long Number, double Time, IObservationNetwork? Network)[] cycles;

    /// <summary>Reads the cursor's current cycle and the next ones, up to a count.</summary>
    /// <param name="cursor">The cursor, on the first of the cycles; it is left on the last.</param>
    /// <param name="schema">The columns of its view.</param>
    /// <param name="count">The largest number of cycles.</param>
    /// <param name="used">A chunk of the same view whose memory this one takes over (default: null, none).</param>
    public TrajectoryChunk(ITrajectoryCursor cursor, TrajectorySchema schema, long count, TrajectoryChunk? used = null)
    {
        this.schema = schema;
        using var noGradients = no_grad();
        if (used?.cycles.Length == count) (columns, cycles) = (used.columns, used.cycles);
        else
        {
            used?.Dispose();
            cycles = new (long, double, IObservationNetwork?)[count];
            columns = [.. schema.Definitions.Select(definition => Like(cursor[definition.Column], count))];
        }
        do
        {
            cycles[Cycles] = (cursor.Cycle, cursor.Time, cursor.Network);
            for (int i = 0; i < columns.Length; i++) Copy(cursor[schema.Definitions[i].Column], columns[i]);
            Cycles++;
        }
        while (Cycles < count && cursor.MoveNext());
    }

    private static Tensor Like(Tensor value, long count) =>
        empty([count, .. value.Sizes()], dtype: value.dtype, device: value.device).DetachFromDisposeScope();

    private void Copy(Tensor value, Tensor to)
    {
        if (value.device_type == DeviceType.CPU && value.is_contiguous() && value.dtype == to.dtype
            && to.numel() < int.MaxValue / sizeof(double))
        {
            var bytes = value.bytes;
            bytes.CopyTo(to.bytes.Slice(checked((int)Cycles * bytes.Length), bytes.Length));
            return;
        }
        using var place = to.select(0, Cycles);
        place.copy_(value);
    }

    /// <summary>The number of cycles.</summary>
    public long Cycles { get; private set; }

    /// <summary>The order of the trajectories, <c>[trajectories]</c>; null = all at once.</summary>
    public Tensor? Order { get; set; }

    /// <summary>The number of trajectories taken so far.</summary>
    public long Used { get; set; }

    /// <summary>Whether every trajectory has been taken.</summary>
    public bool IsUsedUp => Used >= schema.Batch;

    /// <summary>The time of the last cycle.</summary>
    public double EndTime => cycles[Cycles - 1].Time;

    /// <summary>The time of a cycle.</summary>
    public double TimeOf(int cycle) => cycles[cycle].Time;

    /// <summary>The observation network of a cycle, if it has one of its own.</summary>
    public IObservationNetwork? NetworkOf(int cycle) => cycles[cycle].Network;

    /// <summary>Whether there is a column.</summary>
    public bool Has(Column column) => schema.Has(column);

    /// <summary>All cycles of a column, <c>[cycles or more, trajectories, shape...]</c>; it belongs to the chunk.</summary>
    /// <exception cref="SchemaException">There is no such column.</exception>
    public Tensor this[Column column]
    {
        get
        {
            for (int i = 0; i < columns.Length; i++)
                if (schema.Definitions[i].Column == column) return columns[i];
            throw new SchemaException($"There is no column '{column}'; there are: {schema}.");
        }
    }

    /// <summary>Takes the next trajectories, <c>[size]</c>, fewer if fewer are left; null = all.</summary>
    public Tensor? Take(long size)
    {
        long first = Used, count = Order is null ? schema.Batch : Math.Min(size, schema.Batch - Used);
        Used += count;
        return Order?.narrow(0, first, count);
    }

    /// <summary>The cycles of some trajectories.</summary>
    public ITrajectoryCursor Open(Tensor? rows) => new Cursor(this, rows);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var values in columns) values.Dispose();
        Order?.Dispose();
    }

    private sealed class Cursor(TrajectoryChunk chunk, Tensor? rows) : ITrajectoryCursor
    {
        private readonly Dictionary<Column, Tensor> selected = [];
        private int index = -1;

        public long Cycle => chunk.cycles[index].Number;
        public double Time => chunk.cycles[index].Time;
        public IObservationNetwork? Network => chunk.cycles[index].Network;

        public Tensor this[Column column]
        {
            get
            {
                if (selected.TryGetValue(column, out var known)) return known;
                using var noGradients = no_grad();
                var all = chunk[column].select(0, index);
                if (rows is null) return selected[column] = all.DetachFromDisposeScope();
                using (all) return selected[column] = all.index_select(0, rows).DetachFromDisposeScope();
            }
        }

        public bool MoveNext()
        {
            Clear();
            if (index + 1 >= chunk.Cycles) return false;
            index++;
            return true;
        }

        public void Dispose() => Clear();

        private void Clear()
        {
            foreach (var tensor in selected.Values) tensor.Dispose();
            selected.Clear();
        }
    }
}

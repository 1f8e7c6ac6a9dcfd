using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Some cycles of a training view, held in memory so that mini-batches of its trajectories can be taken through them one after the other,
/// in an order drawn anew for each chunk; without an order all trajectories are taken at once.
/// </summary>
internal sealed class TrajectoryChunk : IDisposable
{
    private readonly List<(long Number, double Time, IObservationNetwork? Network, Dictionary<Column, Tensor> Columns)> cycles = [];
    private readonly TrajectorySchema schema;

    /// <summary>Reads the cursor's current cycle and the next ones, up to a count.</summary>
    /// <param name="cursor">The cursor, on the first of the cycles; it is left on the last.</param>
    /// <param name="schema">The columns of its view.</param>
    /// <param name="count">The largest number of cycles.</param>
    public TrajectoryChunk(ITrajectoryCursor cursor, TrajectorySchema schema, long count)
    {
        this.schema = schema;
        using var noGradients = no_grad();
        do
            cycles.Add((cursor.Cycle, cursor.Time, cursor.Network,
                schema.Definitions.ToDictionary(definition => definition.Column,
                    definition => cursor[definition.Column].clone().DetachFromDisposeScope())));
        while (cycles.Count < count && cursor.MoveNext());
    }

    /// <summary>The number of cycles.</summary>
    public long Cycles => cycles.Count;

    /// <summary>The order of the trajectories, <c>[trajectories]</c>; null = all at once.</summary>
    public Tensor? Order { get; set; }

    /// <summary>The number of trajectories taken so far.</summary>
    public long Used { get; set; }

    /// <summary>Whether every trajectory has been taken.</summary>
    public bool IsUsedUp => Used >= schema.Batch;

    /// <summary>The time of the last cycle.</summary>
    public double EndTime => cycles[^1].Time;

    /// <summary>The time of a cycle.</summary>
    public double TimeOf(int cycle) => cycles[cycle].Time;

    /// <summary>The observation network of a cycle, if it has one of its own.</summary>
    public IObservationNetwork? NetworkOf(int cycle) => cycles[cycle].Network;

    /// <summary>Whether there is a column.</summary>
    public bool Has(Column column) => schema.Has(column);

    /// <summary>A column of a cycle, of all trajectories; it belongs to the chunk.</summary>
    public Tensor this[int cycle, Column column] => cycles[cycle].Columns[column];

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
        foreach (var (_, _, _, columns) in cycles)
            foreach (var tensor in columns.Values) tensor.Dispose();
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
                if (!chunk.cycles[index].Columns.TryGetValue(column, out var all))
                    throw new SchemaException($"There is no column '{column}'; there are: {chunk.schema}.");
                using var noGradients = no_grad();
                return selected[column] = (rows is null ? all.alias() : all.index_select(0, rows)).DetachFromDisposeScope();
            }
        }

        public bool MoveNext()
        {
            Clear();
            if (index + 1 >= chunk.cycles.Count) return false;
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

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The base of most cursors: it computes a cycle's columns inside a dispose scope without gradients, keeps the columns that were
/// <see cref="Set"/> until the next cycle, and passes on those of its source.
/// </summary>
/// <param name="source">The cursor it reads from, or null for one that makes its own cycles.</param>
public abstract class TrajectoryCursor(ITrajectoryCursor? source) : ITrajectoryCursor
{
    private readonly Dictionary<Column, Tensor> columns = [];
    private readonly Dictionary<Column, Func<Tensor>> unread = [];

    /// <summary>The cursor it reads from.</summary>
    protected ITrajectoryCursor? Source { get; } = source;

    /// <inheritdoc/>
    public long Cycle { get; private set; } = -1;

    /// <inheritdoc/>
    public virtual double Time => Source?.Time ?? throw new NotSupportedException(
        $"{GetType().Name} has no source, so it must override {nameof(Time)}.");

    /// <inheritdoc/>
    public virtual IObservationNetwork? Network => Source?.Network;

    /// <inheritdoc/>
    public virtual IDensity? ForecastDensity => LeavesStateSpace ? null : Source?.ForecastDensity;

    /// <inheritdoc/>
    public virtual IDensity? AnalysisDensity => LeavesStateSpace ? null : Source?.AnalysisDensity;

    // Whether this cursor changes the columns that the source's densities are of, or are compared with.
    private bool LeavesStateSpace => Sets(Columns.Truth) || Sets(Columns.Observation) || Sets(Columns.Forecast) || Sets(Columns.Analysis);

    /// <inheritdoc/>
    public Tensor this[Column column]
    {
        get
        {
            if (columns.TryGetValue(column, out var tensor)) return tensor;
            if (!unread.Remove(column, out var compute))
                return Source is not null ? Source[column] : throw (columns.Count + unread.Count == 0
                    ? new SchemaException(
                        $"The cursor has no cycle to read the column '{column}' from: it is before its first cycle or behind its last.")
                    : new SchemaException(
                        $"There is no column '{column}'; there are: {string.Join(", ", columns.Keys.Concat(unread.Keys))}."));
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            Set(column, compute());
            return columns[column];
        }
    }

    /// <inheritdoc/>
    public bool MoveNext()
    {
        Clear();
        if (Source is not null && !Source.MoveNext()) return false;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        if (!Compute(Cycle + 1)) return false;
        Cycle++;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        DisposeState();
        Source?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Computes the columns of a cycle; all tensors that are neither <see cref="Set"/> nor kept by the cursor itself are disposed.
    /// </summary>
    /// <param name="cycle">The cycle's number, from 0.</param>
    /// <returns>False if there is no such cycle.</returns>
    protected abstract bool Compute(long cycle);

    /// <summary>Sets the value of a column for this cycle.</summary>
    /// <param name="column">The column.</param>
    /// <param name="value">Its value.</param>
    /// <param name="handsOver">
    /// Whether the column takes over the tensor, which the caller must then not dispose (default: false, the column keeps its own tensor
    /// on the same numbers).
    /// </param>
    protected void Set(Column column, Tensor value, bool handsOver = false)
    {
        if (columns.Remove(column, out var older)) older.Dispose();
        unread.Remove(column);
        columns[column] = (handsOver ? value : value.alias()).DetachFromDisposeScope();
    }

    /// <summary>
    /// Sets the function that computes a column from what the cursor keeps for this cycle; it runs when the column is first read.
    /// </summary>
    protected void SetOnDemand(Column column, Func<Tensor> compute)
    {
        if (columns.Remove(column, out var older)) older.Dispose();
        unread[column] = compute;
    }

    /// <summary>Continues after a cycle of an earlier cursor, whose state this one has read from a checkpoint.</summary>
    /// <param name="cycle">The last cycle's number; -1 if there was none.</param>
    protected void ContinueAfter(long cycle) => Cycle = cycle;

    /// <summary>Disposes the state that the cursor carries from cycle to cycle.</summary>
    protected virtual void DisposeState() { }

    private bool Sets(Column column) => columns.ContainsKey(column) || unread.ContainsKey(column);

    private void Clear()
    {
        foreach (var tensor in columns.Values) tensor.Dispose();
        columns.Clear();
        unread.Clear();
    }
}

/// <summary>A view made from a schema and a function that opens cursors.</summary>
/// <param name="schema">The columns and the number of trajectories.</param>
/// <param name="cycleCount">The number of cycles; null if the view never ends.</param>
/// <param name="startTime">The time of the state before the first cycle; null if unknown.</param>
/// <param name="open">Starts reading at the first cycle.</param>
public sealed class TrajectoryView(TrajectorySchema schema, long? cycleCount, double? startTime, Func<ITrajectoryCursor> open)
    : ITrajectoryView
{
    /// <summary>Makes a view that applies a step to another view.</summary>
    public TrajectoryView(TrajectorySchema schema, ITrajectoryView source, Func<ITrajectoryCursor, ITrajectoryCursor> open)
        : this(schema, source.CycleCount, source.StartTime, () => open(source.OpenCursor())) { }

    /// <inheritdoc/>
    public TrajectorySchema Schema => schema;

    /// <inheritdoc/>
    public long? CycleCount => cycleCount;

    /// <inheritdoc/>
    public double? StartTime => startTime;

    /// <inheritdoc/>
    public ITrajectoryCursor OpenCursor() => open();
}

/// <summary>A transformer whose output in a cycle depends on that cycle's columns alone: the simplest kind of step.</summary>
/// <param name="name">The name in messages and tables.</param>
/// <param name="contract">The columns it needs and adds.</param>
public abstract class CycleTransformer(string name, SchemaContract contract) : ITransformer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public SchemaContract Contract => contract;

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(Contract.Apply(input.Schema, Name), input,
            source => new Cursor(this, [.. Complete.Where(column => input.Schema.Has(Columns.MaskOf(column)))], source));

    /// <summary>
    /// Columns in which no value may be missing, because each value affects more than its own place, or because the mask is not passed
    /// on. A cycle where one is missing is refused with an <see cref="ArgumentException"/> (default: none).
    /// </summary>
    protected virtual IReadOnlyList<Column> Complete => [];

    /// <summary>Computes the columns that the step adds, <c>[batch, shape...]</c> each, in the contract's order.</summary>
    /// <param name="cycle">The cycle's columns.</param>
    protected abstract IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle);

    private sealed class Cursor(CycleTransformer step, Column[] masked, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        protected override bool Compute(long cycle)
        {
            foreach (var column in masked) Source!.RequireComplete(column, step.Name);
            var values = step.Apply(Source!);
            for (int i = 0; i < values.Count; i++) Set(step.Contract.Adds[i].Column, values[i]);
            return true;
        }
    }
}

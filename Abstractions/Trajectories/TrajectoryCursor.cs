using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The base of most cursors: it computes a cycle's columns inside a dispose scope without gradients, keeps what was
/// <see cref="Set"/> until the next cycle, and passes on what its source has.
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
    public virtual double Time => Source?.Time ?? throw new NotSupportedException($"{GetType().Name} has no source and must say its time.");

    /// <inheritdoc/>
    public virtual IObservationNetwork? Network => Source?.Network;

    /// <inheritdoc/>
    public virtual IDensity? ForecastDensity => LeavesStateSpace ? null : Source?.ForecastDensity;

    /// <inheritdoc/>
    public virtual IDensity? AnalysisDensity => LeavesStateSpace ? null : Source?.AnalysisDensity;

    // Whether what the source's densities are of, or are compared with, has other values here.
    private bool LeavesStateSpace => Sets(Columns.Truth) || Sets(Columns.Observation) || Sets(Columns.Forecast) || Sets(Columns.Analysis);

    /// <inheritdoc/>
    public Tensor this[Column column]
    {
        get
        {
            if (columns.TryGetValue(column, out var tensor)) return tensor;
            if (!unread.Remove(column, out var compute))
                return Source is not null ? Source[column]
                    : throw new SchemaException(
                        $"There is no column '{column}'; there are: {string.Join(", ", columns.Keys.Concat(unread.Keys))}.");
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
    /// Computes the columns of a cycle; everything that is neither <see cref="Set"/> nor kept by the cursor itself is disposed.
    /// </summary>
    /// <param name="cycle">The cycle's number, from 0.</param>
    /// <returns>False where there is no such cycle.</returns>
    protected abstract bool Compute(long cycle);

    /// <summary>Gives a column its value for this cycle.</summary>
    /// <param name="column">The column.</param>
    /// <param name="value">Its value.</param>
    /// <param name="handsOver">Whether the tensor is the column's from now on, and not to be disposed by whoever made it (default: the
    /// column keeps a tensor of its own on the same numbers).</param>
    protected void Set(Column column, Tensor value, bool handsOver = false)
    {
        if (columns.Remove(column, out var older)) older.Dispose();
        unread.Remove(column);
        columns[column] = (handsOver ? value : value.alias()).DetachFromDisposeScope();
    }

    /// <summary>
    /// Says how a column's value follows from what the cursor keeps for this cycle; it is computed when it is first read.
    /// </summary>
    protected void SetOnDemand(Column column, Func<Tensor> compute)
    {
        if (columns.Remove(column, out var older)) older.Dispose();
        unread[column] = compute;
    }

    /// <summary>Disposes what the cursor carries from cycle to cycle.</summary>
    protected virtual void DisposeState() { }

    private bool Sets(Column column) => columns.ContainsKey(column) || unread.ContainsKey(column);

    private void Clear()
    {
        foreach (var tensor in columns.Values) tensor.Dispose();
        columns.Clear();
        unread.Clear();
    }
}

/// <summary>A view made of a schema and a way to open cursors.</summary>
/// <param name="schema">The columns and the number of trajectories.</param>
/// <param name="cycleCount">Number of cycles, or null where it never ends.</param>
/// <param name="startTime">The time of the state before the first cycle, or null where nothing says it.</param>
/// <param name="open">Starts reading at the first cycle.</param>
public sealed class TrajectoryView(TrajectorySchema schema, long? cycleCount, double? startTime, Func<ITrajectoryCursor> open)
    : ITrajectoryView
{
    /// <summary>A view that puts a step on another.</summary>
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

/// <summary>A transformer whose output of a cycle follows from that cycle's columns alone: the smallest step there is.</summary>
/// <param name="name">What to call it.</param>
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

    /// <summary>Columns of which no value may be missing, since each goes into more than its own place or the mask does not go along; a
    /// cycle where one
    /// is missing is refused with an <see cref="ArgumentException"/> (default: none).</summary>
    protected virtual IReadOnlyList<Column> Complete => [];

    /// <summary>The values of the columns it adds, <c>[batch, shape...]</c> each, in the contract's order.</summary>
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

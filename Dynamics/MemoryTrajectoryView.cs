using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>A view whose cycles are all in memory. Dispose it to free them at once; its cursors must not be used after.</summary>
public sealed class MemoryTrajectoryView : ITrajectoryView, IDisposable
{
    private readonly IReadOnlyDictionary<Column, Tensor> columns;
    private readonly double[] times;

    /// <summary>Creates a view; it shares the tensors' memory, so they must not be changed afterwards.</summary>
    /// <param name="columns">The columns, <c>[cycles, batch, shape...]</c> each; finite.</param>
    /// <param name="times">The cycles' times in the model's unit, rising.</param>
    /// <param name="startTime">The time of the state before the first cycle, below the first of the times.</param>
    /// <exception cref="ArgumentException">No column or no cycle, columns of different lengths, values that are not finite, a mask that is not boolean, times that do not rise.</exception>
    public MemoryTrajectoryView(IReadOnlyDictionary<Column, Tensor> columns, IReadOnlyList<double> times, double startTime)
    {
        if (columns.Count == 0 || times.Count == 0) throw new ArgumentException($"A view in memory needs at least one column and one cycle; given: {columns.Count} columns and {times.Count} times.", nameof(columns));
        double before = double.IsFinite(startTime) ? startTime : throw new ArgumentException($"The start time must be finite; given: {startTime}.", nameof(startTime));
        for (int cycle = 0; cycle < times.Count; before = times[cycle++])
            if (!(times[cycle] > before) || !double.IsFinite(times[cycle]))
                throw new ArgumentException($"The times must rise from the start time on; the time of cycle {cycle} is {times[cycle]} after {before}.", nameof(times));
        long batch = columns.Values.First() is { ndim: >= 2 } first ? first.size(1) : 0;
        foreach (var (column, values) in columns)
        {
            if (values.ndim < 2 || values.size(0) != times.Count || values.size(1) != batch || batch < 1)
                throw new ArgumentException($"The column '{column}' must be [{times.Count} cycles, {batch} trajectories, ...]; given: {ColumnDefinition.Describe(values.Sizes())}.", nameof(columns));
            if (column == Columns.ObservationMask && values.dtype != ScalarType.Bool)
                throw new ArgumentException($"The column '{column}' must be boolean, true = observed; given: {values.dtype}.", nameof(columns));
            if (values.is_floating_point()) Require.Finite(values, $"The column '{column}'");
        }
        this.columns = columns.ToDictionary(pair => pair.Key, pair => pair.Value.detach().DetachFromDisposeScope());
        this.times = [.. times];
        StartTime = startTime;
        Schema = new TrajectorySchema(batch, [.. columns.Select(pair => new ColumnDefinition(pair.Key, pair.Value.Sizes()[2..]))]);
    }

    /// <inheritdoc/>
    public TrajectorySchema Schema { get; }

    /// <inheritdoc/>
    public long? CycleCount => times.Length;

    /// <inheritdoc/>
    public double StartTime { get; }

    /// <summary>All cycles of a column, <c>[cycles, batch, shape...]</c>; it belongs to the view.</summary>
    /// <exception cref="SchemaException">The view does not have it.</exception>
    public Tensor this[Column column] => columns.TryGetValue(column, out var values) ? values
        : throw new SchemaException($"There is no column '{column}'; there are: {Schema}.");

    /// <summary>The cycles' times in the model's unit.</summary>
    public IReadOnlyList<double> Times => times;

    /// <inheritdoc/>
    public ITrajectoryCursor OpenCursor() => new Cursor(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var values in columns.Values) values.Dispose();
    }

    private sealed class Cursor(MemoryTrajectoryView view) : TrajectoryCursor(null)
    {
        public override double Time => Cycle < 0 ? view.StartTime : view.times[Cycle];

        protected override bool Compute(long cycle)
        {
            if (cycle >= view.times.Length) return false;
            foreach (var (column, values) in view.columns) Set(column, values.select(0, cycle));
            return true;
        }
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>A view whose cycles are all in memory. Dispose it to free them at once; its cursors must not be used afterwards.</summary>
public sealed class MemoryTrajectoryView : ITrajectoryView, IDisposable
{
    private readonly IReadOnlyDictionary<Column, Tensor> columns;
    private readonly double[] times;

    /// <summary>Creates a view; it shares the tensors' memory, so they must not be changed afterwards.</summary>
    /// <param name="columns">
    /// The columns, <c>[cycles, batch, shape...]</c> each; finite, except for values that the column's mask
    /// (<see cref="Columns.MaskOf"/>) calls missing. If a missing value is not finite, the view holds a copy in which the missing values
    /// are zero.
    /// </param>
    /// <param name="times">The cycles' times in the model's unit, rising; they need not be equally far apart.</param>
    /// <param name="startTime">
    /// The time of the state before the first cycle, at most the first of the times, and equal to it if the first observation is of the
    /// initial state; null = unknown.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no column or no cycle, columns have different lengths, a value is not finite, a mask is not boolean, or the times do not
    /// rise.
    /// </exception>
    public MemoryTrajectoryView(IReadOnlyDictionary<Column, Tensor> columns, IReadOnlyList<double> times, double? startTime)
    {
        if (columns.Count == 0 || times.Count == 0)
            throw new ArgumentException(
                $"A view in memory needs at least one column and one cycle; given: {columns.Count} columns and {times.Count} times.",
                nameof(columns));
        CheckTimes(times, startTime);
        long batch = columns.Values.First() is { ndim: >= 2 } first ? first.size(1) : 0;
        this.columns = columns.ToDictionary(pair => pair.Key, pair => Checked(pair.Key, pair.Value, times.Count, batch,
            columns.GetValueOrDefault(Columns.MaskOf(pair.Key))).detach().DetachFromDisposeScope());
        this.times = [.. times];
        StartTime = startTime;
        Schema = new TrajectorySchema(batch, [.. columns.Select(pair => new ColumnDefinition(pair.Key, pair.Value.Sizes()[2..]))]);
    }

    /// <inheritdoc/>
    public TrajectorySchema Schema { get; }

    /// <inheritdoc/>
    public long? CycleCount => times.Length;

    /// <inheritdoc/>
    public double? StartTime { get; }

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

    private static void CheckTimes(IReadOnlyList<double> times, double? startTime)
    {
        if (startTime is { } start && !double.IsFinite(start)) throw new ArgumentException($"The start time must be finite; given: " +
            $"{startTime}.", nameof(startTime));
        if (times[0] < startTime)
            throw new ArgumentException($"The first cycle is at time {times[0]}, before the start time {startTime}; give the view a " +
                $"start time that is not after it.", nameof(startTime));
        for (int cycle = 0; cycle < times.Count; cycle++)
            if (!double.IsFinite(times[cycle]) || (cycle > 0 && !(times[cycle] > times[cycle - 1])))
                throw new ArgumentException($"The times must be finite and rise; the time of cycle {cycle} is " +
                    $"{times[cycle]}{(cycle > 0 ? $" after {times[cycle - 1]}" : "")}.", nameof(times));
    }

    private static Tensor Checked(Column column, Tensor values, int cycles, long batch, Tensor? mask)
    {
        if (values.ndim < 2 || values.size(0) != cycles || values.size(1) != batch || batch < 1)
            throw new ArgumentException($"The column '{column}' must be [{cycles} cycles, {batch} trajectories, ...]; given: " +
                $"{values.DescribeSizes()}.", nameof(columns));
        if (column == Columns.ObservationMask && values.dtype != ScalarType.Bool)
            throw new ArgumentException($"The column '{column}' must be boolean, true = observed; given: {values.dtype}.", nameof(columns));
        if (!values.is_floating_point()) return values;
        if (mask is not null && mask.dtype != ScalarType.Bool && !FiniteNumbers.All(values))
            throw new ArgumentException($"The column '{column}' has values that are not finite, so its mask '{Columns.MaskOf(column)}' " +
                $"must be boolean, true = observed; given: {mask.dtype}.", nameof(columns));
        if (mask is not null && !mask.HasSizesOf(values) && !FiniteNumbers.All(values))
            throw new ArgumentException($"The column '{column}' has values that are not finite, so its mask '{Columns.MaskOf(column)}' " +
                $"must have the column's shape {values.DescribeSizes()}; given: {mask.DescribeSizes()}.", nameof(columns));
        return Require.Finite(MaskedValues.Cleared(values, mask), $"The column '{column}'");
    }

    // The network of each cycle, if the recorded view has them.
    internal IReadOnlyList<IObservationNetwork?>? Networks { get; init; }

    private sealed class Cursor(MemoryTrajectoryView view) : TrajectoryCursor(null)
    {
        public override IObservationNetwork? Network => Cycle < 0 ? null : view.Networks?[(int)Cycle];

        public override double Time => Cycle < 0 ? view.StartTime ?? double.NaN : view.times[Cycle];

        protected override bool Compute(long cycle)
        {
            if (cycle >= view.times.Length) return false;
            foreach (var (column, values) in view.columns) Set(column, values.select(0, cycle), handsOver: true);
            return true;
        }
    }
}

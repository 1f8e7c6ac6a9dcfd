using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The columns of a view that are written to a file, and the loop over its cycles.</summary>
internal sealed class WrittenColumns
{
    private readonly ITrajectoryView view;
    private readonly long cycles;

    /// <summary>Chooses columns.</summary>
    /// <param name="view">A view that ends.</param>
    /// <param name="columns">
    /// The columns to write; null or none = all, except for masks of written columns, which are written as missing values.
    /// </param>
    /// <exception cref="ArgumentException">The view never ends, or has no column.</exception>
    /// <exception cref="SchemaException">The view does not have one of the columns.</exception>
    public WrittenColumns(ITrajectoryView view, IReadOnlyList<Column>? columns)
    {
        this.view = view;
        cycles = view.CycleCount ?? throw new ArgumentException("An endless view cannot be written; take a number of its cycles " +
            "first: view.Take(1000).", nameof(view));
        var masks = view.Schema.Definitions.Select(definition => Columns.MaskOf(definition.Column)).ToHashSet();
        Definitions = columns is { Count: > 0 } ? [.. columns.Distinct().Select(column => view.Schema[column])]
            : [.. view.Schema.Definitions.Where(definition => !masks.Contains(definition.Column))];
        if (Definitions.FirstOrDefault(definition => definition.Column.Name is "time" or "trajectory") is { } taken)
            throw new ArgumentException($"The column '{taken.Column}' cannot be written: every file has a column of that name for its " +
                "times or trajectories. Rename the column.", nameof(columns));
    }

    /// <summary>The columns to write, in order.</summary>
    public IReadOnlyList<ColumnDefinition> Definitions { get; }

    /// <summary>Number of cycles.</summary>
    public long Cycles => cycles;

    /// <summary>Loops over all cycles.</summary>
    /// <param name="write">
    /// Writes a cycle: its number, its time, and each column's values <c>[batch, shape...]</c> on the processor, NaN for missing ones.
    /// </param>
    /// <param name="progress">Receives progress reports.</param>
    /// <param name="cancellation">Stops the loop.</param>
    public void ForEach(Action<long, double, IReadOnlyList<Tensor>> write, IProgress<ProgressReport>? progress,
        CancellationToken cancellation)
    {
        var pace = new ProgressPace();
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var cursor = view.OpenCursor();
        for (long cycle = 0; cycle < cycles; cycle++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!cursor.MoveNext()) throw new InvalidOperationException(
                $"The view ended after {cycle} cycles, but it should have {cycles}; nothing was written.");
            using var cycleScope = NewDisposeScope();
            write(cycle, cursor.Time, [.. Definitions.Select(definition => Values(cursor, definition.Column))]);
            if (progress is not null && pace.IsDue(out var elapsed))
                progress.Report(new ProgressReport("writing", cycle + 1, cycles, new Dictionary<string, double>(), elapsed,
                    elapsed * ((double)cycles / (cycle + 1) - 1)));
        }
    }

    private Tensor Values(ITrajectoryCursor cursor, Column column)
    {
        var values = cursor[column].cpu();
        if (values.is_floating_point() && values.dtype != ScalarType.Float64) values = values.to(ScalarType.Float32);
        if (!values.is_floating_point() && values.dtype != ScalarType.Bool) values = values.to(ScalarType.Int64);
        if (!values.is_floating_point() || !view.Schema.Has(Columns.MaskOf(column))) return values.contiguous();
        var mask = cursor[Columns.MaskOf(column)].cpu();
        bool says = mask.dtype == ScalarType.Bool && mask.HasSizesOf(values);
        return (says ? where(mask, values, full_like(values, double.NaN)) : values).contiguous();
    }
}

using Microsoft.ML;

namespace DaML.Components;

/// <summary>Reads rows as trajectory views.</summary>
internal static class RowTrajectories
{
    /// <summary>A view of rows whose times were read.</summary>
    public static ITrajectoryView Of(DataAssimilationContext context, IDataView data, RowLayout layout, RowIndex index,
        CancellationToken cancellation) =>
        new TrajectoryView(new TrajectorySchema(index.Batch, layout.Definitions), index.Times.Length, Start(layout.Rows, index.Times),
            () => new Cursor(context, data, layout, index, cancellation));

    /// <summary>The time of the state before the first cycle.</summary>
    public static double? Start(TrajectoryRows rows, double[] times) =>
        rows.StartTime?.Of(times) ?? (rows.Time is null ? 0 : null);

    // Reads rows until all of a cycle have come. Rows of later cycles wait: none where rows come cycle by cycle, most of them where
    // they come trajectory by trajectory.
    private sealed class Cursor(DataAssimilationContext context, IDataView data, RowLayout layout, RowIndex index,
        CancellationToken cancellation) : TrajectoryCursor(null)
    {
        private readonly Dictionary<int, RowCycle> waiting = [];
        private DataViewRowCursor? rows;
        private RowReader? reader;
        private int read;

        public override double Time => Cycle >= 0 ? index.Times[Cycle] : double.NaN;

        protected override bool Compute(long cycle)
        {
            cancellation.ThrowIfCancellationRequested();
            if (cycle >= index.Times.Length) return false;
            rows ??= data.GetRowCursor(layout.Needed.Distinct());
            reader ??= new RowReader(rows, layout);
            RowCycle? values;
            while (!waiting.TryGetValue((int)cycle, out values) || values.Unread > 0) ReadRow();
            waiting.Remove((int)cycle);
            values.Publish((column, value) => Set(column, value));
            return true;
        }

        protected override void DisposeState() => rows?.Dispose();

        private void ReadRow()
        {
            if (read >= index.Count || !rows!.MoveNext())
                throw new InvalidDataException($"The rows ended after {read}; the first pass over them had {index.Count}.");
            var (cycle, trajectory) = index[read++];
            if (reader!.Time is { } time && time != index.Times[cycle])
                throw new InvalidDataException($"Row {rows!.Position} is at time {time:g9}; in the first pass over the rows it was at " +
                    $"{index.Times[cycle]:g9}. The rows must come in the same order every time.");
            if (!waiting.TryGetValue(cycle, out var values)) waiting.Add(cycle, values = new RowCycle(context, layout, index.Batch));
            if (reader.Trajectory != index.Names[trajectory])
                throw new InvalidDataException($"Row {rows!.Position} is of the trajectory '{reader.Trajectory}'; in the first pass over " +
                    $"the rows it was of '{index.Names[trajectory]}'. The rows must come in the same order every time.");
            values.Read(reader, trajectory);
        }
    }
}

using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Components;

/// <summary>
/// Rows with the columns that a step adds. A cursor moves over the input's rows and runs the step beside it, as far as it must for the row:
/// its memory is its own, so cursors give the same rows in any number and on any threads.
/// </summary>
internal sealed class TransformedRows : IDataView
{
    private readonly IDataView input;
    private readonly RowOutput output;
    private readonly Lazy<RowIndex> index;

    public TransformedRows(MicrosoftMLTransformer transformer, IDataView input)
    {
        this.input = input;
        output = new RowOutput(transformer, input.Schema);
        index = new(() => RowIndex.Read(input, output.Layout, transformer.Cancellation), LazyThreadSafetyMode.PublicationOnly);
    }

    public DataViewSchema Schema => output.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, [.. columnsNeeded]);

    // One cursor, whatever the number: each cycle follows from the one before.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly RowOutput output;
        private readonly RowIndex? index;
        private readonly HashSet<int> active;
        private readonly DataViewRowCursor rows;
        private readonly ITrajectoryView? view;     // null: no column of the step is active, and the step does not run
        private readonly ITrajectoryCursor? run;
        private readonly Dictionary<int, (Array?[] Values, int Unread)> cycles = [];   // computed, and not read by all their rows
        private (Array?[] Values, int Trajectory)? current;
        private int row = -1;
        private bool closed;

        public Cursor(TransformedRows data, DataViewSchema.Column[] needed)
        {
            output = data.output;
            active = [.. needed.Select(column => column.Index)];
            if (needed.Any(column => output.AddedIndex(column) is not null))
            {
                var transformer = output.Transformer;
                index = data.index.Value;
                view = transformer.Transformer.Transform(RowTrajectories.Of(transformer.Context, data.input, output.Layout, index,
                    transformer.Cancellation));
                if (view.Schema.Batch != index.Batch)
                    throw new InvalidDataException($"{transformer.Transformer.Name} makes {view.Schema.Batch} trajectories of the " +
                        $"{index.Batch} that the rows have; its values belong to no row. Apply it to a view, and take that to rows.");
                run = view.OpenCursor();
            }
            rows = data.input.GetRowCursor(output.Needed(needed, isRead: false));
        }

        public override DataViewSchema Schema => output.Schema;

        public override long Position => closed ? -1 : rows.Position;

        public override long Batch => rows.Batch;

        private (Array?[] Values, int Trajectory) Current => current
            ?? throw new InvalidOperationException("The cursor is not on a row: MoveNext was not called yet, or it returned false.");

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => rows.GetIdGetter();

        public override bool MoveNext()
        {
            if (closed) return false;
            current = null;
            try
            {
                output.Transformer.Cancellation.ThrowIfCancellationRequested();
                if (rows.MoveNext())
                {
                    row++;
                    if (run is not null) current = Compute();
                    return true;
                }
            }
            catch
            {
                Close();    // some of ML.NET's readers never dispose a cursor that threw
                throw;
            }
            Close();        // nor one that has ended
            return false;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw RowValues.Inactive(column);
            return output.AddedIndex(column) is { } added ? output.Getter<TValue>(column, added, () => Current)
                : rows.GetGetter<TValue>(output.Input[column.Index]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) Close();
            base.Dispose(disposing);
        }

        private (Array?[], int) Compute()
        {
            var (cycle, trajectory) = index![row];
            while (run!.Cycle < cycle)
            {
                if (!run.MoveNext())
                    throw new InvalidDataException($"{output.Transformer.Transformer.Name} ended after cycle {run.Cycle}; the rows have " +
                        $"{index.Times.Length} cycles.");
                if (!index.IsAt((int)run.Cycle, run.Time))
                    throw new InvalidDataException($"{output.Transformer.Transformer.Name} gives cycle {run.Cycle} at time " +
                        $"{run.Time:g9}; the rows have it at {index.Times[run.Cycle]:g9}. A step that leaves cycles out has values for " +
                        "other rows than these: apply it to a view, and take that to rows.");
                cycles.Add((int)run.Cycle, (output.Fetch(run, view!.Schema, active), index.Batch));
            }
            var (values, unread) = cycles[cycle];
            if (unread == 1) cycles.Remove(cycle);
            else cycles[cycle] = (values, unread - 1);
            return (values, trajectory);
        }

        private void Close()
        {
            if (closed) return;
            closed = true;
            current = null;
            cycles.Clear();
            run?.Dispose();
            rows.Dispose();
        }
    }
}

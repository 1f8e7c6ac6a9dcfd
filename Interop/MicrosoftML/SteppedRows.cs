using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Steps rows one by one, as <c>PredictionEngine</c> does: a row whose added columns are read is an observation that is assimilated, once.
/// </summary>
internal sealed class SteppedRows(MicrosoftMLTransformer transformer, DataViewSchema input) : IRowToRowMapper
{
    private readonly RowOutput output = new(transformer, input);

    public DataViewSchema InputSchema => output.Input;

    public DataViewSchema OutputSchema => output.Schema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        output.Needed(dependingColumns, isRead: true);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) =>
        new Row(output, input, [.. activeColumns.Select(column => column.Index)]);

    private sealed class Row(RowOutput output, DataViewRow input, HashSet<int> active) : DataViewRow
    {
        private readonly Dictionary<string, LiveRun> runs = [];    // one for each trajectory
        private RowReader? reader;
        private Array?[] values = [];
        private long? stepped, asked;

        public override DataViewSchema Schema => output.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw RowValues.Inactive(column);
            return output.AddedIndex(column) is { } added ? output.Getter<TValue>(column, added, () => (Stepped(), 0))
                : input.GetGetter<TValue>(output.Input[column.Index]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                foreach (var run in runs.Values) run.Dispose();
                runs.Clear();
                input.Dispose();
            }
            base.Dispose(disposing);
        }

        // The values of the input's row, which is assimilated when it is first read.
        private Array?[] Stepped()
        {
            if (input.Position == stepped) return values;
            if (asked is { } last && input.Position != last && input.Position != last + 1)
                throw new InvalidOperationException($"{output.Transformer.Transformer.Name} was at row {last} and is asked for row " +
                    $"{input.Position}; it steps row by row, since each analysis follows from the one before.");
            asked = input.Position;    // also where the row is refused below: it is left out, and the next one goes on
            output.Transformer.Cancellation.ThrowIfCancellationRequested();
            reader ??= new RowReader(input, output.Layout);
            string trajectory = reader.Trajectory;
            if (!runs.TryGetValue(trajectory, out var run)) runs.Add(trajectory, run = new LiveRun(output, reader.Time));
            values = run.Step(reader, active);
            stepped = input.Position;
            return values;
        }
    }

    // A run of the step over one trajectory whose cycles come one by one.
    private sealed class LiveRun : ITrajectoryView, IDisposable
    {
        private readonly RowOutput output;
        private readonly Source source;
        private readonly ITrajectoryView view;
        private readonly ITrajectoryCursor run;
        private bool opened;

        public LiveRun(RowOutput output, double? first)
        {
            var rows = output.Transformer.Rows;
            if (first is not null && rows.StartTime == FileStart.OneIntervalBefore)
                throw new InvalidOperationException($"The time before the first row cannot be told from its interval to a second row, " +
                    $"which has not come yet; give {nameof(TrajectoryRows)}.{nameof(TrajectoryRows.StartTime)} a number, or " +
                    $"{nameof(FileStart)}.{nameof(FileStart.AtFirstCycle)}, to step row by row.");
            this.output = output;
            Schema = new TrajectorySchema(1, output.Layout.Definitions);
            StartTime = RowTrajectories.Start(rows, [first ?? 1]);
            source = new Source(output);
            view = output.Transformer.Transformer.Transform(this);
            run = view.OpenCursor();
        }

        public TrajectorySchema Schema { get; }

        public long? CycleCount => null;    // it ends with the program

        public double? StartTime { get; }

        public ITrajectoryCursor OpenCursor()
        {
            if (opened) throw source.Ahead();
            opened = true;
            return source;
        }

        public Array?[] Step(RowReader reader, IReadOnlySet<int> active)
        {
            source.Offer(reader);
            run.MoveNext();
            return output.Fetch(run, view.Schema, active);
        }

        public void Dispose() => run.Dispose();
    }

    // The cursor that a step reads: it has the cycle that was offered, and no later one.
    private sealed class Source(RowOutput output) : TrajectoryCursor(null)
    {
        private RowCycle? offered;
        private double? offeredTime;
        private double time = double.NaN, previous;

        public override double Time => time;

        public void Offer(RowReader reader)
        {
            var cycle = new RowCycle(output.Transformer.Context, output.Layout, 1);
            cycle.Read(reader, 0);
            offered = cycle;
            offeredTime = reader.Time;
        }

        public InvalidOperationException Ahead() =>
            new($"{output.Transformer.Transformer.Name} needs later cycles than the one it is given, so it cannot step row by row; " +
                "apply Transform to all rows.");

        protected override bool Compute(long cycle)
        {
            if (offered is null) throw Ahead();
            time = offeredTime ?? cycle + 1;
            if (cycle > 0 && !(time > previous))
                throw new InvalidDataException($"The time {time:g9} comes after {previous:g9}; times must rise.");
            previous = time;
            offered.Publish((column, value) => Set(column, value));
            offered = null;
            return true;
        }
    }
}

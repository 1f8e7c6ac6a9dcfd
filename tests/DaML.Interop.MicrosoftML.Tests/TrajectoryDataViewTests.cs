using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The contract of an ML.NET data view, held by trajectories: schema, rows, cursors.</summary>
public sealed class TrajectoryDataViewTests
{
    private const int Cycles = 5, Batch = 3;
    private static readonly Column Image = new("image"), Label = new("label");
    private static readonly Column[] All = [Columns.Truth, Columns.ObservationMask, Columns.Diverged, Image, Label];
    private readonly DataAssimilationContext context = new(3);
    private readonly WatchedView watched;
    private readonly TrajectoryDataView data;

    public TrajectoryDataViewTests()
    {
        using var random = context.Random("values");
        var columns = new Dictionary<Column, Tensor>
        {
            [Columns.Truth] = random.Normal([Cycles, Batch, 4], ScalarType.Float64),
            [Columns.ObservationMask] = random.Normal([Cycles, Batch, 2], ScalarType.Float64) > 0,
            [Columns.Diverged] = random.Normal([Cycles, Batch], ScalarType.Float64) > 1,
            [Image] = random.Normal([Cycles, Batch, 2, 3], ScalarType.Float32),
            [Label] = random.Normal([Cycles, Batch], ScalarType.Float64),
        };
        watched = new WatchedView(new MemoryTrajectoryView(columns, [0.5, 1, 1.5, 2, 2.5], 0));
        data = watched.ToDataView();
    }

    [Fact]
    public void Its_schema_says_type_and_dimensions_of_every_column()
    {
        var schema = data.Schema;
        Assert.Equal(["Cycle", "Trajectory", "Time", "truth", "observation-mask", "diverged", "image", "label"],
            schema.Select(column => column.Name));
        Assert.All(schema, column => Assert.False(column.IsHidden));
        Assert.Equal(NumberDataViewType.Int64, schema["Cycle"].Type);
        Assert.Equal(NumberDataViewType.Int32, schema["Trajectory"].Type);
        Assert.Equal(NumberDataViewType.Double, schema["Time"].Type);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 4), schema["truth"].Type);
        Assert.Equal(new VectorDataViewType(BooleanDataViewType.Instance, 2), schema["observation-mask"].Type);
        Assert.Equal(BooleanDataViewType.Instance, schema["diverged"].Type);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 2, 3), schema["image"].Type);
        Assert.Equal(NumberDataViewType.Single, schema["label"].Type);
        Assert.False(data.CanShuffle);
        Assert.Equal(Cycles * Batch, data.GetRowCount());
        Assert.Equal(0, watched.Opened); // reading the schema computes nothing
    }

    [Fact]
    public void Its_rows_are_the_values_of_the_view_to_the_bit_in_single_precision()
    {
        using var rows = data.GetRowCursor(data.Schema);
        var truth = Getter<VBuffer<float>>(rows, "truth");
        var mask = Getter<VBuffer<bool>>(rows, "observation-mask");
        var diverged = Getter<bool>(rows, "diverged");
        var image = Getter<VBuffer<float>>(rows, "image");
        var label = Getter<float>(rows, "label");
        var (cycle, trajectory, time) = (Getter<long>(rows, "Cycle"), Getter<int>(rows, "Trajectory"), Getter<double>(rows, "Time"));
        var id = rows.GetIdGetter();
        var ids = new HashSet<DataViewRowId>();
        using var source = watched.OpenCursor();
        for (int row = 0; row < Cycles * Batch; row++)
        {
            if (row % Batch == 0) Assert.True(source.MoveNext());
            int b = row % Batch;
            Assert.True(rows.MoveNext());
            Assert.Equal((row, 0), (rows.Position, rows.Batch));
            Assert.Equal((row / Batch, b, source.Time), (Value(cycle), Value(trajectory), Value(time)));
            Assert.Equal(Singles(source[Columns.Truth][b]), Value(truth).DenseValues());
            Assert.Equal(source[Columns.ObservationMask][b].data<bool>().ToArray(), Value(mask).DenseValues());
            Assert.Equal(source[Columns.Diverged][b].ToBoolean(), Value(diverged));
            Assert.Equal(source[Image][b].contiguous().data<float>().ToArray(), Value(image).DenseValues()); // row-major
            Assert.Equal((float)source[Label][b].ToDouble(), Value(label));
            Assert.True(ids.Add(Value(id)));
        }
        Assert.False(rows.MoveNext());
    }

    [Fact]
    public void Double_precision_keeps_every_digit()
    {
        var exact = watched.ToDataView(ScalarType.Float64);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Double, 4), exact.Schema["truth"].Type);
        Assert.Equal(NumberDataViewType.Double, exact.Schema["label"].Type);
        Assert.Equal(BooleanDataViewType.Instance, exact.Schema["diverged"].Type);
        using var rows = exact.GetRowCursor(exact.Schema);
        var (truth, label) = (Getter<VBuffer<double>>(rows, "truth"), Getter<double>(rows, "label"));
        using var source = watched.OpenCursor();
        while (rows.MoveNext())
        {
            int b = (int)(rows.Position % Batch);
            if (b == 0) source.MoveNext();
            Assert.Equal(source[Columns.Truth][b].data<double>().ToArray(), Value(truth).DenseValues());
            Assert.Equal(source[Label][b].ToDouble(), Value(label));
        }
    }

    [Fact]
    public void The_position_is_minus_one_outside_the_rows_and_getters_refuse_to_read_there()
    {
        using var rows = data.GetRowCursor(data.Schema);
        var (cycle, trajectory, time) = (Getter<long>(rows, "Cycle"), Getter<int>(rows, "Trajectory"), Getter<double>(rows, "Time"));
        var (truth, diverged, id) = (Getter<VBuffer<float>>(rows, "truth"), Getter<bool>(rows, "diverged"), rows.GetIdGetter());
        Outside();
        int count = 0;
        while (rows.MoveNext()) Assert.Equal(count++, rows.Position);
        Assert.Equal(Cycles * Batch, count);
        Outside();
        Assert.False(rows.MoveNext());
        Outside();

        void Outside()
        {
            Assert.Equal(-1, rows.Position);
            foreach (Action read in (Action[])[() => Value(cycle), () => Value(trajectory), () => Value(time), () => Value(truth),
                () => Value(diverged), () => Value(id)])
                Assert.Contains("not on a row", Assert.Throws<InvalidOperationException>(read).Message);
        }
    }

    [Fact]
    public void Cursors_move_independently_and_name_the_same_rows_alike()
    {
        using var first = data.GetRowCursor(data.Schema);
        using var second = data.GetRowCursor([data.Schema["truth"]]);
        var (one, two) = (Getter<VBuffer<float>>(first, "truth"), Getter<VBuffer<float>>(second, "truth"));
        var (firstId, secondId) = (first.GetIdGetter(), second.GetIdGetter());
        var values = new List<float[]>();
        var ids = new List<DataViewRowId>();
        for (int row = 0; row < 7; row++)
        {
            Assert.True(first.MoveNext());
            values.Add([.. Value(one).DenseValues()]);
            ids.Add(Value(firstId));
        }
        for (int row = 0; row < 7; row++)
        {
            Assert.True(second.MoveNext());
            Assert.Equal(values[row], Value(two).DenseValues());
            Assert.Equal(ids[row], Value(secondId));
        }
        Assert.Equal(values[6], Value(one).DenseValues());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void A_cursor_set_goes_over_every_row_once(int asked)
    {
        var set = data.GetRowCursorSet(data.Schema, asked);
        var ids = new List<DataViewRowId>();
        foreach (var cursor in set)
            using (cursor)
                for (var id = cursor.GetIdGetter(); cursor.MoveNext();) ids.Add(Value(id));
        Assert.Equal(Cycles * Batch, ids.Distinct().Count());
        Assert.Equal(Cycles * Batch, ids.Count);
        Assert.Equal(0, watched.Open);
    }

    [Fact]
    public void Inactive_columns_are_not_read_and_active_ones_once_a_cycle()
    {
        using var rows = data.GetRowCursor([data.Schema["label"], data.Schema["image"]]);
        Assert.Equal(["image", "label"], data.Schema.Where(rows.IsColumnActive).Select(column => column.Name));
        var label = Getter<float>(rows, "label");
        while (rows.MoveNext())
        {
            Value(label);
            Value(label);
        }
        Assert.Equal([new(Label, Cycles)], watched.Reads);
        var refused = Assert.Throws<InvalidOperationException>(() => rows.GetGetter<VBuffer<float>>(data.Schema["truth"]));
        Assert.Contains("'truth' was not asked for", refused.Message);
    }

    [Fact]
    public void A_getter_of_another_type_is_refused_with_both_types()
    {
        using var rows = data.GetRowCursor(data.Schema);
        string Refused<T>(string column) => Assert.Throws<InvalidOperationException>(() => Getter<T>(rows, column)).Message;
        foreach (string message in (string[])[Refused<VBuffer<double>>("truth"), Refused<VBuffer<double>>("image")])
        {
            Assert.Contains("System.Single", message);
            Assert.Contains("System.Double", message);
        }
        Assert.Contains("System.Boolean", Refused<float>("diverged"));
        Assert.Contains("VBuffer", Refused<VBuffer<float>>("label"));
        Assert.Contains("System.Int64", Refused<int>("Cycle"));
    }

    [Fact]
    public void Disposing_a_cursor_disposes_the_cursor_of_the_view_once()
    {
        var rows = data.GetRowCursor(data.Schema);
        rows.MoveNext();
        Assert.Equal(1, watched.Open);
        rows.Dispose();
        rows.Dispose();
        Assert.Equal((0, 1), (watched.Open, watched.Disposed));
        Assert.Throws<NotSupportedException>(() => data.GetRowCursor(Broken()));
        Assert.Equal(0, watched.Open);

        static IEnumerable<DataViewSchema.Column> Broken() => throw new NotSupportedException();
    }

    [Fact]
    public void A_cursor_has_no_further_row_once_its_view_threw_or_it_was_disposed()
    {
        var stopped = new TrajectoryView(watched.Schema, watched.CycleCount, 0, () => new Stopping(watched.OpenCursor())).ToDataView();
        using var rows = stopped.GetRowCursor(stopped.Schema);
        for (int row = 0; row < Batch; row++) Assert.True(rows.MoveNext());
        Assert.Throws<OperationCanceledException>(() => rows.MoveNext());
        Assert.Equal((false, -1), (rows.MoveNext(), rows.Position));

        var disposed = data.GetRowCursor(data.Schema);
        disposed.MoveNext();
        disposed.Dispose();
        Assert.Equal((false, -1), (disposed.MoveNext(), disposed.Position));
    }

    [Fact]
    public void Views_that_have_no_counterpart_are_refused()
    {
        var endless = new TrajectoryView(new TrajectorySchema(1, new ColumnDefinition(Label)), null, 0,
            () => throw new NotSupportedException());
        Assert.Contains("the view is endless; take a number of its cycles first",
            Assert.Throws<ArgumentException>(() => endless.ToDataView()).Message);
        Assert.Equal(10, endless.Take(10).ToDataView().GetRowCount());
        Assert.Contains("given: Float16", Assert.Throws<ArgumentException>(() => watched.ToDataView(ScalarType.Float16)).Message);
        Assert.Contains("'Time' has the name",
            Assert.Throws<ArgumentException>(() => Of(new Column("Time"), ones(1, 1)).ToDataView()).Message);
    }

    [Fact]
    public void Values_that_would_change_their_meaning_are_refused()
    {
        Assert.Contains("beyond the range of single precision", Refused(Label, tensor(1e300)));
        Assert.Contains("must be boolean", Refused(Columns.MaskOf(Label), tensor(0.5)));

        static string Refused(Column column, Tensor value)
        {
            var view = Of(column, value.reshape(1, 1)).ToDataView();
            using var rows = view.GetRowCursor(view.Schema);
            rows.MoveNext();
            return Assert.Throws<InvalidOperationException>(() => view.Schema[column.Name].Type == BooleanDataViewType.Instance
                ? (object)Value(Getter<bool>(rows, column.Name)) : Value(Getter<float>(rows, column.Name))).Message;
        }
    }

    [Fact]
    public void Reading_rows_leaves_no_tensor_behind()
    {
        using var rows = data.GetRowCursor(data.Schema);
        var getters = (Getter<VBuffer<float>>(rows, "truth"), Getter<VBuffer<bool>>(rows, "observation-mask"));
        rows.MoveNext();
        Read();
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        for (int row = 1; row < Cycles * Batch; row++)
        {
            Assert.True(rows.MoveNext());
            Read();
        }
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);

        void Read() => (_, _) = (Value(getters.Item1), Value(getters.Item2));
    }

    private static MemoryTrajectoryView Of(Column column, Tensor values) =>
        new(new Dictionary<Column, Tensor> { [column] = values }, [1.0], 0);

    private static float[] Singles(Tensor values) => [.. values.data<double>().ToArray().Select(value => (float)value)];

    private static ValueGetter<T> Getter<T>(DataViewRowCursor rows, string column) => rows.GetGetter<T>(rows.Schema[column]);

    private static T Value<T>(ValueGetter<T> getter)
    {
        T value = default!;
        getter(ref value);
        return value;
    }

    /// <summary>Throws after the first cycle.</summary>
    private sealed class Stopping(ITrajectoryCursor source) : ITrajectoryCursor
    {
        public long Cycle => source.Cycle;
        public double Time => source.Time;
        public Tensor this[Column column] => source[column];
        public bool MoveNext() => source.Cycle < 0 ? source.MoveNext() : throw new OperationCanceledException();
        public void Dispose() => source.Dispose();
    }
}

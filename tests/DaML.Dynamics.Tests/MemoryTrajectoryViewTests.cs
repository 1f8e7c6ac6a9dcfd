using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class MemoryTrajectoryViewTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(4);
    public void Dispose() => scope.Dispose();

    [Fact]
    public void A_recorded_view_equals_the_one_it_was_made_of_to_the_bit()
    {
        var model = new Lorenz63();
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Random(model.Dimension)) { Interval = 0.05 },
            new() { Batch = 3, Cycles = 7 });
        var recorded = twin.Materialise();
        Assert.Equal(twin.Schema.ToString(), recorded.Schema.ToString());
        Assert.Equal((7, 0.0), (recorded.CycleCount, recorded.StartTime));
        for (int repeat = 0; repeat < 2; repeat++)
        {
            using ITrajectoryCursor live = twin.OpenCursor(), stored = recorded.OpenCursor();
            while (live.MoveNext())
            {
                Assert.True(stored.MoveNext());
                Assert.Equal((live.Cycle, live.Time), (stored.Cycle, stored.Time));
                foreach (var definition in twin.Schema.Definitions)
                {
                    Assert.Equal(live[definition.Column].Bits(), stored[definition.Column].Bits());
                    Assert.Equal(live[definition.Column].dtype, stored[definition.Column].dtype);
                }
            }
            Assert.False(stored.MoveNext());
        }
        Assert.Equal("truth[3]", twin.Materialise([Columns.Truth]).Schema.ToString());
        Assert.Throws<SchemaException>(() => twin.Materialise([Columns.Analysis]));
        Assert.Throws<SchemaException>(() => recorded[Columns.Analysis]);
    }

    [Fact]
    public void A_cursor_without_a_cycle_says_so()
    {
        using var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor> { [Columns.Truth] = zeros(1, 1, 3) }, [1.0], 0);
        using var cursor = view.OpenCursor();
        string Refused() => Assert.Throws<SchemaException>(() => cursor[Columns.Truth]).Message;
        Assert.Contains("no cycle to read the column 'truth' from: it is before its first cycle", Refused());
        Assert.True(cursor.MoveNext());
        Assert.Equal([1, 3], cursor[Columns.Truth].shape);
        Assert.False(cursor.MoveNext());
        Assert.Contains("behind its last", Refused());
    }

    [Fact]
    public void A_view_without_end_is_recorded_only_in_part_and_recording_can_be_stopped()
    {
        var model = new Lorenz63();
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)));
        Assert.Contains("endless view", Assert.Throws<ArgumentException>(() => twin.Materialise()).Message);
        Assert.Equal(3, twin.Take(3).Materialise().CycleCount);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => twin.Take(3).Materialise(cancellation: stop.Token));
    }

    [Fact]
    public void Tensors_of_ones_own_become_a_view_that_outlives_their_scope()
    {
        MemoryTrajectoryView view;
        using (NewDisposeScope())
            view = context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Truth] = arange(24, dtype: ScalarType.Float64).reshape(4, 2, 3),
                    [new Column("label")] = zeros([4, 2], dtype: ScalarType.Int64) }, [1, 2, 4, 8], startTime: 0.5);
        Assert.Equal("truth[3], label[]", view.Schema.ToString());
        using var cursor = view.OpenCursor();
        Assert.Equal(0.5, cursor.Time);
        for (int i = 0; i < 3; i++) cursor.MoveNext();
        Assert.Equal(4, cursor.Time);
        Assert.Equal([12, 13, 14, 15, 16, 17], cursor[Columns.Truth].reshape(-1).data<double>().ToArray());
        view.Dispose();
        view.Dispose();
    }

    [Fact]
    public void Bad_columns_are_refused_by_name()
    {
        Tensor good = zeros(3, 2, 5), times = zeros(3);
        Refused("'observation'", [1, 2, 3], (Columns.Truth, good), (Columns.Observation, zeros(4, 2, 5)));
        Refused("'observation'", [1, 2, 3], (Columns.Truth, good), (Columns.Observation, zeros(3, 1, 5)));
        Refused("'observation'", [1, 2, 3], (Columns.Truth, good), (Columns.Observation, zeros(3)));
        Refused("'observation-mask' must be boolean", [1, 2, 3], (Columns.Truth, good), (Columns.ObservationMask, good));
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity])
        {
            var values = zeros(3, 2, 5);
            values[1, 1, 3] = bad;
            Refused("'observation' must be finite: 1 of its 30", [1, 2, 3], (Columns.Truth, good), (Columns.Observation, values));
        }
        Refused("cycle 2 is 2 after 2", [1, 2, 2], (Columns.Truth, good));
        Refused("cycle is at time -1, before the start time 0", [-1, 1, 2], (Columns.Truth, good));
        Refused("cycle 1 is NaN", [1, double.NaN, 2], (Columns.Truth, good));
        Refused("0 columns", [1, 2, 3]);
        Refused("0 times", [], (Columns.Truth, good));
    }

    private static void Refused(string word, double[] times, params (Column Column, Tensor Values)[] columns) =>
        Assert.Contains(word,
            Assert.Throws<ArgumentException>(() =>
                new MemoryTrajectoryView(columns.ToDictionary(c => c.Column, c => c.Values), times, 0)).Message);

    [Fact]
    public void What_a_mask_calls_missing_may_be_not_a_number_and_becomes_zero() // fault 12
    {
        var (values,
            mask) = (tensor(new[] { 1.0, double.NaN, double.PositiveInfinity, 4 }).reshape(1, 2, 2),
                tensor(new[] { true, false, false, true }).reshape(1, 2, 2));
        var wind = new Column("wind");
        foreach (var column in (Column[])[Columns.Observation, wind])
        {
            var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [column] = values, [Columns.MaskOf(column)] = mask },
                [1.0]);
            using var cursor = view.OpenCursor();
            cursor.MoveNext();
            Assert.Equal([1, 0, 0, 4], cursor[column].ToArray<double>());
            Assert.Contains("1 of its 4 values",
                Assert.Throws<ArgumentException>(() => context.Data.FromMemory(new Dictionary<Column, Tensor>
            {
                [column] = values, [Columns.MaskOf(column)] = tensor(new[] { true, true, false, true }).reshape(1, 2, 2),
            }, [1.0])).Message);
            Assert.Contains("must have the column's shape",
                Assert.Throws<ArgumentException>(() => context.Data.FromMemory(new Dictionary<Column, Tensor>
            {
                [column] = values, [Columns.MaskOf(column)] = zeros(1, 2, 1, dtype: ScalarType.Bool),
            }, [1.0])).Message);
            Assert.Contains("must be boolean, true = observed; given: Int64", Assert.Throws<ArgumentException>(() =>
                context.Data.FromMemory(new Dictionary<Column, Tensor>
                {
                    [column] = values, [Columns.MaskOf(column)] = mask.to(ScalarType.Int64),
                }, [1.0])).Message);
        }
        Assert.True(double.IsNaN(values[0, 0, 1].ToDouble()));   // the given tensor stays as it was
    }

    [Fact]
    public void The_first_cycle_may_be_at_the_start_and_times_need_not_be_regular()
    {
        MemoryTrajectoryView View(double[] times, double start) =>
            context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Truth] = zeros(times.Length, 1, 1) }, times, start);
        Assert.Equal(0, View([0, 1, 5], 0).StartTime);
        Assert.Contains("cycle is at time 0, before the start time 1", Assert.Throws<ArgumentException>(() => View([0, 1], 1)).Message);
        Assert.Contains("the time of cycle 1 is 0 after 0", Assert.Throws<ArgumentException>(() => View([0, 0], 0)).Message);
        Assert.Throws<ArgumentException>(() => View([double.NaN, 1], 0));
        Assert.Throws<ArgumentException>(() => View([0, double.PositiveInfinity], 0));
    }
}

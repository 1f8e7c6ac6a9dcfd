using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Windows of past values as states.</summary>
public sealed class LaggedStatesTests
{
    private static readonly Column Lagged = new("lagged");
    private readonly DataAssimilationContext context = new(3);

    [Theory, InlineData(1), InlineData(3)]
    public void A_state_holds_the_last_values_newest_first_and_the_first_cycles_are_left_out(int lags)
    {
        using var scope = NewDisposeScope();
        var values = context.Noise("values", 7, 4, 2);
        var view = context.View(values, 0.25);
        var step = new LaggedStates(Records.Values, Lagged, lags);
        var lagged = step.Transform(view);
        Assert.Equal(7 - (lags - 1), lagged.CycleCount);
        Assert.Equal([2L * lags], lagged.Schema[Lagged].Shape);
        Assert.Equal(4, lagged.Schema.Batch);
        using var cursor = lagged.OpenCursor();
        for (int cycle = lags - 1; cycle < 7; cycle++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal((cycle - (lags - 1), (cycle + 1) * 0.25), (cursor.Cycle, cursor.Time));
            Bits.Equal(Records.Lagged(values, cycle, lags), cursor[Lagged]);
            Bits.Equal(values[cycle], cursor[Records.Values]);
        }
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void As_many_cycles_as_lags_give_one_state_and_fewer_are_refused()
    {
        using var scope = NewDisposeScope();
        var step = new LaggedStates(Records.Values, Lagged, 4);
        using (var cursor = step.Transform(context.View(context.Noise("few", 4, 1, 2))).OpenCursor())
        {
            Assert.True(cursor.MoveNext());
            Assert.False(cursor.MoveNext());
        }
        var refused = Assert.Throws<ArgumentException>(() => step.Transform(context.View(context.Noise("few", 3, 1, 2))));
        Assert.Contains("at least 4 cycles; given: 3", refused.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaggedStates(Records.Values, Lagged, 0));
        var others = new LaggedStates(new Column("others"), Lagged, 2);
        Assert.Throws<SchemaException>(() => others.Transform(context.View(context.Noise("few", 3, 1, 2))));
    }

    [Fact]
    public void A_gap_in_time_is_refused_where_it_is()
    {
        using var scope = NewDisposeScope();
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Records.Values] = context.Noise("gap", 6, 1, 2) },
            [1, 2, 3, 4, 7, 8]);
        using var cursor = new LaggedStates(Records.Values, Lagged, 2).Transform(view).OpenCursor();
        for (int k = 0; k < 3; k++) Assert.True(cursor.MoveNext());
        var refused = Assert.Throws<ArgumentException>(() => cursor.MoveNext());
        Assert.Contains("gap: the cycle at time 7 comes 3 after the one before", refused.Message);
    }

    [Fact]
    public void Times_of_few_digits_have_no_gaps()
    {
        using var scope = NewDisposeScope();
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Records.Values] = context.Noise("rounded", 300, 1, 2) },
            [.. Enumerable.Range(1, 300).Select(hour => (double)(float)Math.Round(hour / 24.0, 4))]);
        using var lagged = new LaggedStates(Records.Values, Lagged, 2).Transform(view).Materialise();
        Assert.Equal(299, lagged.CycleCount);
    }

    [Fact]
    public void Values_that_are_missing_or_not_finite_are_refused_with_their_time()
    {
        using var scope = NewDisposeScope();
        var values = context.Noise("bad", 6, 2, 2);
        var mask = ones(6, 2, 2, dtype: ScalarType.Bool);
        mask[3, 1, 0] = false;
        var step = new LaggedStates(Records.Values, Lagged, 2);
        using (var cursor = step.Transform(context.View(values, mask: mask)).OpenCursor())
        {
            for (int k = 0; k < 2; k++) Assert.True(cursor.MoveNext());
            var missing = Assert.Throws<ArgumentException>(() => cursor.MoveNext()).Message;
            Assert.Contains("'coefficients' at time 4", missing);
            Assert.Contains("lacks 1 values", missing);
        }
        var damaged = new WatchedView(context.View(values), _ => { }, (cycle, _, value) => cycle == 4 ? value / 0 : value);
        using (var cursor = step.Transform(damaged).OpenCursor())
        {
            for (int k = 0; k < 3; k++) Assert.True(cursor.MoveNext());
            Assert.Contains("at time 5", Assert.Throws<ArgumentException>(() => cursor.MoveNext()).Message);
        }
    }

    [Fact]
    public void A_cursor_holds_its_memory_and_leaves_none_behind()
    {
        using var scope = NewDisposeScope();
        var matrix = 0.5 * eye(2, dtype: ScalarType.Float64).repeat(1, 3);
        var emulator = new AutoregressiveEmulator("linear", 1, 1, 1, ones(2, dtype: ScalarType.Float64), null, matrix);
        var model = new AutoregressiveModel(emulator, 2, 1, Records.Values, Records.Forecast);
        var view = context.View(context.Noise("memory", 60, 2, 2));
        foreach (var step in (ITransformer[])[model.Lagged(Lagged), model.Forecast(Records.Forecast, 4)])
        {
            using (var first = step.Transform(view).OpenCursor()) first.MoveNext();
            long before = Live();
            using (var cursor = step.Transform(view).OpenCursor())
            {
                for (int k = 0; k < 10; k++) Assert.True(cursor.MoveNext());
                long early = Live();
                for (int k = 0; k < 40; k++) Assert.True(cursor.MoveNext());
                Assert.Equal(early, Live());
            }
            Assert.Equal(before, Live());
        }

        static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
    }

    [Fact]
    public void It_survives_its_file()
    {
        using var scope = NewDisposeScope();
        using var view = context.View(context.Noise("saved", 9, 2, 3));
        var step = new LaggedStates(Records.Values, Lagged, 3);
        var read = Reloaded.Of(step, context);
        Assert.Equal(step.Name, read.Name);
        using MemoryTrajectoryView before = step.Transform(view).Materialise(), after = read.Transform(view).Materialise();
        Bits.Equal(before[Lagged], after[Lagged]);
    }

    [Theory, InlineData(1 / 24.0), InlineData(5)]
    public void Forecasts_of_a_view_with_another_interval_than_the_model_are_refused(double spacing)
    {
        using var scope = NewDisposeScope();
        var values = context.Noise("values", 60, 1, 2);
        var model = context.Transforms.DampedPersistence(Records.Values, Records.Forecast).Fit(context.View(values));
        using var cursor = model.Transform(context.View(values, spacing)).OpenCursor();
        Assert.Contains("gives values 1 apart", Assert.Throws<ArgumentException>(() => cursor.MoveNext()).Message);
    }

    [Fact]
    public void A_network_that_cannot_read_the_window_or_is_none_is_named()
    {
        using var scope = NewDisposeScope();
        var view = context.View(context.Noise("values", 60, 1, 2));
        AutoregressiveModel Fit(Func<long, RandomStream, nn.Module<Tensor, Tensor>> create) =>
            context.Transforms.AutoregressiveEmulator("own", Records.Values, Records.Forecast, create, new() { Lags = 3 }).Fit(view, view);
        string message = Assert.Throws<ArgumentException>(() => Fit((r, _) => nn.Linear(r + 3, r))).Message;
        Assert.StartsWith("The network of own failed on windows of shape [", message);
        Assert.Contains("It must return values of shape [rows, 1, 2]", message);
        Assert.DoesNotContain('\n', message);
        Assert.Contains("returned null", Assert.Throws<ArgumentException>(() => Fit((_, _) => null!)).Message);
    }
}

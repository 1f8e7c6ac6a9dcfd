using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class TrajectoryCursorTests : IDisposable
{
    private static readonly Column Field = new("field");
    private static readonly Column Total = new("total");
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    [Fact]
    public void A_cycles_tensors_live_until_the_next_one()
    {
        using var cursor = new RunningSum().Transform(new ConstantView(null, (Field, ones(2, 3)))).OpenCursor();
        cursor.MoveNext();
        var first = cursor[Total];
        Assert.Equal(6, first.sum().ToDouble());
        cursor.MoveNext();
        Assert.True(first.IsInvalid);
        Assert.Equal(12, cursor[Total].sum().ToDouble());
        Assert.Equal(6, cursor[Field].sum().ToDouble()); // the source's column passes through
        Assert.Equal((1, 2.0), (cursor.Cycle, cursor.Time));
    }

    [Fact]
    public void Nothing_is_computed_with_gradients_or_left_behind()
    {
        var value = ones([2, 3], requires_grad: true);
        var view = new RunningSum().Append(new RunningSum()).Transform(new ConstantView(null, (Field, value)));
        var cursor = view.OpenCursor();
        for (int i = 0; i < 10; i++) cursor.MoveNext();
        Assert.False(cursor[Total].requires_grad);
        long alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 1000; i++) cursor.MoveNext();
        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - alive, -2, 2);
        cursor.Dispose();
        cursor.Dispose();
    }

    [Fact]
    public void One_transformer_serves_several_threads()
    {
        var view = new RunningSum().Transform(new ConstantView(200, (Field, ones(2, 3))));
        Parallel.For(0, 4, _ =>
        {
            using var inner = NewDisposeScope();
            using var cursor = view.OpenCursor();
            for (int i = 1; i <= 200; i++)
            {
                Assert.True(cursor.MoveNext());
                Assert.Equal(6 * i, cursor[Total].sum().ToDouble());
            }
            Assert.False(cursor.MoveNext());
        });
    }

    [Fact]
    public void A_loop_over_a_view_gives_each_cycle_and_closes_the_cursor()
    {
        var view = new Counted(new RunningSum().Transform(new ConstantView(5, (Field, ones(2, 3)))));
        var sums = new List<double>();
        foreach (var cycle in view) sums.Add(cycle[Total].sum().ToDouble() + 100 * cycle.Cycle + 1000 * cycle.Time);
        Assert.Equal([1006, 2112, 3218, 4324, 5430], sums);
        Assert.Equal((1, 1), (view.Opened, view.Closed));
        foreach (var cycle in view)
            if (cycle.Cycle == 2) break;
        Assert.Equal((2, 2), (view.Opened, view.Closed));
        Assert.Throws<ArithmeticException>(() =>
        {
            foreach (var _ in view) throw new ArithmeticException();
        });
        Assert.Equal((3, 3), (view.Opened, view.Closed));
    }

    /// <summary>Counts its cursors.</summary>
    private sealed class Counted(ITrajectoryView view) : ITrajectoryView
    {
        public int Opened { get; private set; }
        public int Closed { get; private set; }
        public TrajectorySchema Schema => view.Schema;
        public long? CycleCount => view.CycleCount;
        public double? StartTime => view.StartTime;

        public ITrajectoryCursor OpenCursor()
        {
            Opened++;
            return new Cursor(this, view.OpenCursor());
        }

        private sealed class Cursor(Counted counted, ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle) => true;
            protected override void DisposeState() => counted.Closed++;
        }
    }

    /// <summary>Carries a sum from cycle to cycle, so its state must live in the cursor.</summary>
    private sealed class RunningSum : ITransformer
    {
        public string Name => "running sum";
        public SchemaContract Contract { get; } = new([new(Field, ColumnDefinition.AnySize)], [new(Total, ColumnDefinition.AnySize)]);
        public ITrajectoryView Transform(ITrajectoryView input) =>
            new TrajectoryView(Contract.Apply(input.Schema, Name), input, source => new Cursor(source));

        private sealed class Cursor(ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            private Tensor? sum;

            protected override bool Compute(long cycle)
            {
                var next = (sum is null ? Source![Field].clone() : sum + Source![Field]).DetachFromDisposeScope();
                sum?.Dispose();
                sum = next;
                Set(Total, next);
                return true;
            }

            protected override void DisposeState() => sum?.Dispose();
        }
    }
}

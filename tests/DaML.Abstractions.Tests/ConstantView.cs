using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A view that gives the same tensors in every cycle.</summary>
internal sealed class ConstantView(long? cycles, params (Column Column, Tensor Value)[] columns) : ITrajectoryView
{
    public TrajectorySchema Schema { get; } = new(columns[0].Value.shape[0],
        [.. columns.Select(pair => new ColumnDefinition(pair.Column, pair.Value.shape[1..]))]);
    public long? CycleCount => cycles;
    public double? StartTime => 0;
    public ITrajectoryCursor OpenCursor() => new Cursor(cycles, columns);

    private sealed class Cursor(long? cycles, (Column Column, Tensor Value)[] columns) : TrajectoryCursor(null)
    {
        public override double Time => Cycle + 1;

        protected override bool Compute(long cycle)
        {
            if (cycle >= cycles) return false;
            foreach (var (column, value) in columns) Set(column, value);
            return true;
        }
    }
}

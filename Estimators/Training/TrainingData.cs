using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Reads an estimator's training data: all cycles of a bounded view, each checked to be complete and finite.</summary>
internal static class TrainingData
{
    /// <summary>Iterates over the cycles of a view.</summary>
    /// <param name="data">A view that ends.</param>
    /// <param name="column">The column to read; if the view has its mask, no value may be missing.</param>
    /// <param name="step">The estimator's name in a message.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    /// <param name="use">Receives the cycle's time and values <c>[batch, n]</c> in double precision, within a dispose scope.</param>
    /// <returns>The number of cycles.</returns>
    /// <exception cref="ArgumentException">The view never ends, is empty, or a value is missing or non-finite.</exception>
    public static long Read(ITrajectoryView data, Column column, string step, CancellationToken cancellation, Action<double, Tensor> use)
    {
        if (data.CycleCount is null)
            throw new ArgumentException($"{step} learns from all cycles of a view, and this view is endless; use " +
                $"{nameof(TrajectoryViewExtensions.Take)}.", nameof(data));
        var mask = Columns.MaskOf(column);
        bool masked = data.Schema.Has(mask);
        using var noGradients = no_grad();
        using var cursor = data.OpenCursor();
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            if (masked && !cursor[mask].all().ToBoolean())
                throw new ArgumentException($"{step} needs complete data; the column '{column}' lacks " +
                    $"{cursor[mask].logical_not().sum().ToInt64()} values in cycle {cursor.Cycle} (time {cursor.Time:g9}).", nameof(data));
            use(cursor.Time, Require.Finite(cursor[column].to_type(ScalarType.Float64),
                $"The column '{column}' in cycle {cursor.Cycle} that {step} learns from"));
        }
        return cursor.Cycle + 1 > 0 ? cursor.Cycle + 1
            : throw new ArgumentException($"{step} was given a view without cycles.", nameof(data));
    }

    /// <summary>Reads all values of a column, <c>[cycles, batch, n]</c>, in double precision, and the cycles' times.</summary>
    public static (Tensor Values, double[] Times) Gather(ITrajectoryView data, Column column, string step, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var values = new List<Tensor>();
        var times = new List<double>();
        Read(data, column, step, cancellation, (time, value) =>
        {
            times.Add(time);
            values.Add(value.clone().MoveToOuterDisposeScope());
        });
        return (stack(values).MoveToOuterDisposeScope(), [.. times]);
    }

    /// <summary>
    /// Computes the time from one cycle to the next, which must be the same for all. It is counted from the first cycle, so that the
    /// rounding of times does not add up.
    /// </summary>
    /// <param name="times">The cycles' times, at least two.</param>
    /// <param name="step">The estimator's name in a message.</param>
    /// <exception cref="ArgumentException">There is a gap.</exception>
    public static double EqualSpacing(double[] times, string step)
    {
        double spacing = (times[^1] - times[0]) / (times.Length - 1);
        bool IsInPlace(int i) => Math.Abs(times[i] - times[0] - i * spacing) <= TimeInterval.DefaultTolerance * spacing;
        if (Enumerable.Range(0, times.Length).All(IsInPlace)) return spacing;
        double[] intervals = [.. times.Zip(times.Skip(1), (before, after) => after - before)];
        double usual = intervals.Order().ElementAt(intervals.Length / 2);
        int gap = Enumerable.Range(0, intervals.Length).MaxBy(i => Math.Abs(intervals[i] - usual));
        throw new ArgumentException($"{step} needs equally spaced cycles; cycle {gap + 1} (time {times[gap + 1]:g9}) comes " +
            $"{intervals[gap]:g6} after the one before, where {usual:g6} is usual.", nameof(times));
    }
}

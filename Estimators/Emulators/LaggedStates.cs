using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adds the last L values of a column as one vector, newest first: z = (c(t), c(t - h), ..., c(t - (L - 1) h)). It is the state of a
/// model that continues from several past values (<see cref="AutoregressiveEmulator"/>). The first L - 1 cycles, which have too few
/// values before them, are left out of the view.
/// </summary>
/// <param name="values">The column it reads, <c>[r]</c>; complete.</param>
/// <param name="lagged">The column it adds, <c>[L r]</c>.</param>
/// <param name="lags">L, at least 1.</param>
[Component("lagged-states")]
public sealed class LaggedStates(Column values, Column lagged, int lags) : ITransformer
{
    private readonly int lags = (int)Require.AtLeast(lags, 1);

    /// <inheritdoc/>
    public string Name => $"lagged states of {lags} values of '{values}'";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = SchemaContract.OfAnySize(values, lagged, lags);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view has fewer cycles than lags; or, during reading, cycles are not equally spaced, or
    /// values are missing or non-finite.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        var schema = Contract.Apply(input.Schema, Name);
        if (input.CycleCount < lags)
            throw new ArgumentException($"{Name} need a view of at least {lags} cycles; given: {input.CycleCount}.", nameof(input));
        var mask = input.Schema.Has(Columns.MaskOf(values)) ? Columns.MaskOf(values) : (Column?)null;
        return new TrajectoryView(schema, input.CycleCount - (lags - 1), input.StartTime,
            () => new Cursor(Name, values, mask, lagged, lags, input.OpenCursor()));
    }

    private sealed class Cursor(string name, Column values, Column? mask, Column lagged, int lags, ITrajectoryCursor source)
        : TrajectoryCursor(source)
    {
        private readonly LinkedList<Tensor> window = new();   // newest first
        private readonly EvenSpacing spacing = new();

        protected override bool Compute(long cycle)
        {
            if (cycle > 0) Remember();
            while (window.Count < lags)
            {
                if (window.Count > 0 && !Source!.MoveNext()) return false;
                Remember();
            }
            Set(lagged, cat([.. window], -1));
            return true;
        }

        protected override void DisposeState()
        {
            foreach (var kept in window) kept.Dispose();
            window.Clear();
        }

        private void Remember()
        {
            CheckSpacing();
            string what = $"The column '{values}' at time {Source!.Time:g9}, of which {name} are made,";
            if (mask is { } there && !Source[there].all().ToBoolean())
                throw new ArgumentException($"{what} lacks {Source[there].logical_not().sum().ToInt64()} values; " +
                    "complete ones are needed.");
            window.AddFirst(Require.Finite(Source[values], what).clone().DetachFromDisposeScope());
            if (window.Count <= lags) return;
            window.Last!.Value.Dispose();
            window.RemoveLast();
        }

        private void CheckSpacing()
        {
            if (spacing.Gap(Source!.Time) is not var (passed, usual)) return;
            throw new ArgumentException($"{name} need evenly spaced cycles, and the view has a gap: the cycle at time {Source.Time:g9} " +
                $"comes {passed:g6} after the one before; the cycles before it are {usual:g6} apart. Cut the view at the gap, or fill " +
                "it.");
        }
    }
}

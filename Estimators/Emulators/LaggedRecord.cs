using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The training data of a model of lagged values: a complete, equally spaced record in memory, and the deviation of each component.
/// </summary>
internal sealed record LaggedRecord
{
    private readonly Column column;

    private LaggedRecord(Column column, Tensor values, Tensor deviations, double interval, int lags, int leads) =>
        (this.column, Values, Deviations, Interval, Lags, Leads) = (column, values, deviations, interval, lags, leads);

    /// <summary>The record, <c>[cycles, batch, r]</c>, in double precision.</summary>
    public Tensor Values { get; }

    /// <summary>s, the root-mean-square of each component, <c>[r]</c>.</summary>
    public Tensor Deviations { get; }

    /// <summary>h, the time from one cycle to the next.</summary>
    public double Interval { get; }

    /// <summary>The number of past values.</summary>
    public int Lags { get; }

    /// <summary>The number of coming values.</summary>
    public int Leads { get; }

    /// <summary>The number of cycles.</summary>
    public long Cycles => Values.size(0);

    /// <summary>r</summary>
    public long ValueCount => Values.size(2);

    /// <summary>The number of starts in each trajectory: L cycles up to a start, the leads after it.</summary>
    public long Starts => Values.size(0) - Lags + 1 - Leads;

    /// <summary>Reads a view.</summary>
    /// <exception cref="ArgumentException">The view never ends, is shorter than lags and leads, its cycles are not equally spaced, a
    /// value is missing or non-finite, or a component does not vary.</exception>
    public static LaggedRecord Read(ITrajectoryView data, Column column, int lags, int leads, string step, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (values, times) = TrainingData.Gather(data, column, step, cancellation);
        CheckLength(times.Length, lags, leads, step);
        double interval = TrainingData.EqualSpacing(times, step);
        var deviations = DeviationsOf(values, column, step);
        scope.MoveToOuter(values, deviations);
        return new(column, values, deviations, interval, lags, leads);
    }

    /// <summary>Selects some of its cycles, with their own deviations.</summary>
    /// <exception cref="ArgumentException">There are fewer cycles than lags and leads, or a component does not vary in them.</exception>
    public LaggedRecord Part(long first, long count, string step)
    {
        CheckLength(count, Lags, Leads, step);
        using var scope = NewDisposeScope();
        var values = Values.narrow(0, first, count);
        var deviations = DeviationsOf(values, column, step);
        scope.MoveToOuter(values, deviations);
        return new(column, values, deviations, Interval, Lags, Leads);
    }

    private static Tensor DeviationsOf(Tensor values, Column column, string step)
    {
        var deviations = values.flatten(0, 1).square().mean([0]).sqrt();
        return deviations.min().ToDouble() > 0 ? deviations
            : throw new ArgumentException($"{step}: component {deviations.argmin().ToInt64()} of the column '{column}' is zero in all of " +
                $"its {values.size(0)} cycles; leave it out.", "data");
    }

    private static void CheckLength(long cycles, int lags, int leads, string step)
    {
        if (cycles < lags + leads)
            throw new ArgumentException($"{step} works on windows of {lags} cycles and the {leads} after them, so it needs at least " +
                $"{lags + leads} cycles; given: {cycles}.", "data");
    }

    /// <summary>Gives the same record for other windows.</summary>
    public LaggedRecord With(int lags, int leads) => new(column, Values, Deviations, Interval, lags, leads);

    /// <summary>
    /// Gives windows <c>[samples, L r]</c>, newest first, and the value after each, <c>[samples, r]</c>, in units of the deviations.
    /// </summary>
    public (Tensor Windows, Tensor Next) Pairs()
    {
        using var scope = NewDisposeScope();
        var scaled = Values / Deviations;
        var windows = cat([.. Enumerable.Range(0, Lags).Select(lag => scaled.narrow(0, Lags - 1 - lag, Starts))], -1).flatten(0, 1);
        return scope.MoveToOuter(windows, scaled.narrow(0, Lags, Starts).flatten(0, 1));
    }

    /// <summary>
    /// Gives windows of starts, <c>[rows, length, r]</c>, newest first, and the values after them, <c>[rows, leads, r]</c>, in the
    /// values' own units.
    /// </summary>
    /// <param name="starts">The indices of starts, trajectory by trajectory: start * batch + trajectory, <c>[rows]</c>.</param>
    /// <param name="length">The number of values in a window; those before the beginning of the record are zero.</param>
    public (Tensor Windows, Tensor Coming) Take(Tensor starts, int length)
    {
        using var scope = NewDisposeScope();
        long batch = Values.size(1), cycles = Values.size(0);
        var flat = Values.flatten(0, 1);
        var newest = starts + (Lags - 1) * batch;   // the row of the newest value of each
        var lags = arange(length, dtype: ScalarType.Int64, device: starts.device) * batch;
        var leads = arange(1, Leads + 1, dtype: ScalarType.Int64, device: starts.device) * batch;
        var rows = newest.unsqueeze(1) - lags;
        var windows = flat.index_select(0, rows.clamp_min(0).flatten()).reshape(-1, length, ValueCount);
        if (length > Lags) windows = windows * (rows >= 0).unsqueeze(-1).to_type(windows.dtype);
        var coming = flat.index_select(0, (newest.unsqueeze(1) + leads).flatten()).reshape(-1, Leads, ValueCount);
        return scope.MoveToOuter(windows, coming);
    }
}

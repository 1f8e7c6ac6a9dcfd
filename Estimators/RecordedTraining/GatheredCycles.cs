using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The cycles of an optimiser step, copied out of a view into tensors that stay where they are from step to step: what work
/// that is recorded reads. A cursor over them, which can be wound back.
/// </summary>
/// <param name="schema">The view's columns.</param>
/// <param name="most">How many cycles there is room for.</param>
/// <param name="device">Where they are kept.</param>
internal sealed class GatheredCycles(TrajectorySchema schema, long most, Device device) : ITrajectoryCursor
{
    private readonly Dictionary<Column, Tensor> columns = [];    // [most, batch, shape...]
    private readonly double[] times = new double[most];
    private long first, position = -1;

    /// <summary>How many cycles there are.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public long Cycle => first + position;

    /// <inheritdoc/>
    public double Time => times[position];

    /// <summary>The same cycles, without their times: what is recorded once and done again cannot depend on them.</summary>
    public ITrajectoryCursor Timeless => new TimelessCursor(this);

    /// <inheritdoc/>
    public Tensor this[Column column] => columns[column].select(0, position);

    /// <summary>Copies all cycles of a cursor, at most as many as there is room for, and winds back. Each must have the columns' first shapes.</summary>
    /// <param name="source">The cursor, before the first.</param>
    public void Gather(ITrajectoryCursor source)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        for (Count = 0; Count < most && source.MoveNext(); Count++)
        {
            if (Count == 0) first = source.Cycle;
            foreach (var definition in schema.Definitions)
            {
                var value = source[definition.Column];
                if (!columns.TryGetValue(definition.Column, out var kept))
                    columns[definition.Column] = kept = empty([most, .. value.shape], dtype: value.dtype, device: device).DetachFromDisposeScope();
                kept.select(0, Count).copy_(value);
            }
            times[Count] = source.Time;
        }
        Rewind();
    }

    /// <summary>Goes back before the first cycle.</summary>
    public void Rewind() => position = -1;

    /// <summary>How long each step from one cycle to the next is, from a time before the first.</summary>
    public double[] Intervals(double from) => [.. Enumerable.Range(0, (int)Count).Select(cycle => times[cycle] - (cycle == 0 ? from : times[cycle - 1]))];

    /// <inheritdoc/>
    public bool MoveNext()
    {
        if (position + 1 >= Count) return false;
        position++;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in columns.Values) tensor.Dispose();
        columns.Clear();
    }

    private sealed class TimelessCursor(GatheredCycles cycles) : ITrajectoryCursor
    {
        public long Cycle => cycles.Cycle;
        public double Time => double.NaN;
        public Tensor this[Column column] => cycles[column];
        public bool MoveNext() => cycles.MoveNext();
        public void Dispose() { }
    }
}

namespace DaML.Components;

/// <summary>
/// Many series' values in some of the cycles, in memory that does not grow: every cycle at first; when there are too many, every second
/// one is dropped, and from then on only every second one is added. Quantiles are computed from these values.
/// </summary>
/// <param name="series">The number of series.</param>
internal sealed class ThinnedCycles(int series)
{
    private const int Numbers = 1 << 18, Fewest = 64, Most = 4096;

    private readonly int capacity = Math.Clamp(Numbers / series, Fewest, Most) & ~1;
    private readonly List<double[]> kept = [];
    private long stride = 1, seen;

    /// <summary>Adds the next value of each series.</summary>
    public void Add(ReadOnlySpan<double> values)
    {
        if (seen++ % stride != 0) return;
        if (kept.Count == capacity)
        {
            for (int k = 0; k < capacity / 2; k++) kept[k] = kept[2 * k];
            kept.RemoveRange(capacity / 2, capacity / 2);
            stride *= 2;
        }
        kept.Add(values.ToArray());
    }

    /// <summary>A series' values, in order of time.</summary>
    public IEnumerable<double> Of(int s) => kept.Select(values => values[s]);
}

namespace DaML.Components;

/// <summary>
/// Averages of many series at once, in memory that does not grow: sums over successive blocks of equal length, of which two are merged
/// when there are too many (automatic batch means). The blocks keep the order in time that standard errors need. Values that are not a
/// number are left out.
/// </summary>
/// <param name="series">The number of series.</param>
internal sealed class BlockAverages(int series)
{
    private const int Capacity = 128;

    private readonly double[,] sums = new double[series, Capacity];
    private readonly long[,] counts = new long[series, Capacity];
    private readonly double[] squares = new double[series];
    private readonly double[] shifts = Enumerable.Repeat(double.NaN, series).ToArray();
    private long blockLength = 1, inBlock;
    private int blocks;    // complete ones; one more is being filled

    /// <summary>Adds the next value of each series.</summary>
    public void Add(ReadOnlySpan<double> values)
    {
        if (blocks == Capacity) Merge();
        for (int s = 0; s < series; s++)
        {
            double value = values[s];
            if (double.IsNaN(value)) continue;
            if (double.IsNaN(shifts[s])) shifts[s] = value;
            sums[s, blocks] += value;
            counts[s, blocks]++;
            squares[s] += (value - shifts[s]) * (value - shifts[s]);    // about the first value, so that nothing cancels
        }
        if (++inBlock < blockLength) return;
        inBlock = 0;
        blocks++;
    }

    /// <summary>The number of values that a series was averaged over.</summary>
    public long Count(int s) => Enumerable.Range(0, Used).Sum(k => counts[s, k]);

    /// <summary>A series' average; not a number if there was no value.</summary>
    public double Mean(int s)
    {
        double sum = 0;
        for (int k = 0; k < Used; k++) sum += sums[s, k];
        return sum / Count(s);
    }

    /// <summary>The sum of squared differences from a value.</summary>
    public double SquaredDeviations(int s, double from)
    {
        double mean = Mean(s), count = Count(s), shifted = mean - shifts[s];
        return Math.Max(0, squares[s] - count * shifted * shifted) + count * (mean - from) * (mean - from);
    }

    /// <summary>The number of values in a whole block.</summary>
    public long BlockLength => blockLength;

    /// <summary>
    /// The averages of a series' blocks, in order of time; not a number for a block without values. A last block less than half full is
    /// left out.
    /// </summary>
    public double[] BlockMeans(int s)
    {
        int used = 2 * inBlock >= blockLength ? Used : blocks;
        var means = new double[used];
        for (int k = 0; k < used; k++) means[k] = sums[s, k] / counts[s, k];
        return means;
    }

    private int Used => inBlock > 0 ? blocks + 1 : blocks;

    private void Merge()
    {
        for (int s = 0; s < series; s++)
            for (int k = 0; k < Capacity; k++)
            {
                (double sum, long count) = 2 * k < Capacity ? (sums[s, 2 * k] + sums[s, 2 * k + 1], counts[s, 2 * k] + counts[s, 2 * k + 1])
                    : (0, 0);
                (sums[s, k], counts[s, k]) = (sum, count);
            }
        blocks = Capacity / 2;
        blockLength *= 2;
    }
}

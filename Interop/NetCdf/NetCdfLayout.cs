namespace DaML.Components;

/// <summary>The roles of a variable's dimensions: time, trajectories, and the rest, or a window of it, as the vector.</summary>
internal sealed class NetCdfLayout
{
    private readonly int[] order;
    private readonly int time;
    private readonly GridWindow? window;

    /// <summary>Arranges dimensions.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="time">The index of the time dimension; -1 = none.</param>
    /// <param name="trajectory">The index of the trajectory dimension; -1 = none.</param>
    /// <param name="window">The part of the last two other dimensions that is read; null = all.</param>
    public NetCdfLayout(NetCdfVariable variable, int time, int trajectory, GridWindow? window)
    {
        (this.time, this.window) = (time, window);
        Batch = trajectory < 0 ? 1 : variable.Shape[trajectory];
        int[] rest = [.. Enumerable.Range(0, variable.Dimensions.Count).Where(i => i != time && i != trajectory)];
        Size = (window is null ? rest : rest[..^2]).Aggregate(window?.Grid.Size ?? 1, (product, i) => checked(product * variable.Shape[i]));
        order = [.. new[] { time, trajectory }.Where(i => i >= 0), .. rest];
    }

    /// <summary>Number of trajectories.</summary>
    public long Batch { get; }

    /// <summary>n</summary>
    public long Size { get; }

    /// <summary>Reads the values of some entries, ordered by time, trajectory, vector.</summary>
    /// <param name="file">The file.</param>
    /// <param name="variable">The variable in it.</param>
    /// <param name="entry">The first entry.</param>
    /// <param name="count">The number of entries.</param>
    public double[] Read(NetCdfFile file, NetCdfVariable variable, long entry, long count)
    {
        long[] start = new long[variable.Dimensions.Count], counts = variable.Shape;
        if (time >= 0) (start[time], counts[time]) = (entry, count);
        if (window is null) return Arranged(file.Read(variable, start, counts), counts);
        (start[order[^2]], counts[order[^2]]) = window.Rows;
        var values = new double[(time >= 0 ? count : 1) * Batch * Size];
        int width = window.Grid.Longitudes.Count, at = 0;
        foreach (var (first, length) in window.Columns)   // runs of columns side by side
        {
            (start[order[^1]], counts[order[^1]]) = (first, length);
            double[] run = Arranged(file.Read(variable, start, counts), counts);
            for (int row = 0; row < run.Length / length; row++) Array.Copy(run, row * length, values, row * width + at, length);
            at += length;
        }
        return values;
    }

    // Reorders a block that is row-major in the file's order of dimensions to time, trajectory, vector.
    private double[] Arranged(double[] block, long[] shape)
    {
        if (order.Index().All(pair => pair.Index == pair.Item)) return block;
        var strides = new long[shape.Length];
        for (long i = shape.Length - 1, stride = 1; i >= 0; stride *= shape[i--]) strides[i] = stride;
        var arranged = new double[block.Length];
        var index = new long[order.Length];
        long from = 0;
        for (long to = 0; to < arranged.Length; to++)
        {
            arranged[to] = block[from];
            for (int axis = order.Length - 1; axis >= 0; axis--)
            {
                from += strides[order[axis]];
                if (++index[axis] < shape[order[axis]]) break;
                from -= index[axis] * strides[order[axis]];
                index[axis] = 0;
            }
        }
        return arranged;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Reads NetCDF files as trajectory views: <c>context.Data.FromNetCdf(...)</c>.</summary>
public static class NetCdfTrajectory
{
    /// <summary>
    /// A variable of a file as the cycles of one trajectory, or of several. One of its dimensions is time, wherever it stands; the others
    /// are one vector <c>[n]</c>, row-major: n = 1 for a series, one cycle for a single field. Only times are read at once; values are
    /// read as a cursor moves.
    /// </summary>
    /// <param name="catalog">Whose context says device and precision.</param>
    /// <param name="path">The file.</param>
    /// <param name="variable">The variable; in a group with its path, as <c>ObsValue/airTemperature</c>.</param>
    /// <param name="column">The column its values become, <c>[n]</c>.</param>
    /// <param name="options">Times, missing values, units; null = their defaults.</param>
    /// <returns>
    /// A view. Its time is days since 1970-01-01 00:00 UTC, counted in the file's calendar: a year of <c>noleap</c> has 365. Times in
    /// units of <c>1</c> are the model's own and stay as they are.
    /// </returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFileException">
    /// The file is damaged or foreign, or the variable is absent, not numeric, has no time, or no cycle in the interval asked for.
    /// </exception>
    public static ITrajectoryView FromNetCdf(this DataCatalog catalog, string path, string variable, Column column,
        NetCdfOptions? options = null)
    {
        options ??= new NetCdfOptions();
        Require.AtLeast(options.CyclesPerRead, 1);
        if (!double.IsFinite(options.Scale) || options.Scale == 0)
            throw new ArgumentOutOfRangeException(nameof(options), options.Scale,
                $"'Scale' must be a finite number other than zero; given: {options.Scale}.");
        var context = catalog.Context;
        using var file = NetCdfFile.Open(path);
        var found = file.Variable(variable);
        file.RequireNumeric(found);
        if (found.Shape.Contains(0)) throw new DataFileException($"The variable {found} in '{path}' has no values.");
        var times = NetCdfTimes.Of(file, found, options);
        if (times.Calendar is null && (options.From ?? options.Until) is not null)
            throw new DataFileException($"The times of {found} in '{path}' are in the model's own unit; '{nameof(options.From)}' and " +
                $"'{nameof(options.Until)}' are dates.");
        double[] all = times.Values;
        double from = options.From is { } beginning ? times.Calendar!.Days(beginning) : double.NegativeInfinity;
        double until = options.Until is { } ending ? times.Calendar!.Days(ending) : double.PositiveInfinity;
        int first = Array.FindIndex(all, time => time >= from);
        int end = first < 0 ? -1 : Array.FindIndex(all, first, time => time >= until);
        if (end < 0) end = all.Length;
        if (first < 0 || end == first)
            throw new DataFileException($"The variable {found} in '{path}' has no cycle from {Bound(options.From, "the beginning")} " +
                $"until {Bound(options.Until, "the end")}; it runs from {times.Text(all[0])} to {times.Text(all[^1])}.");

        var layout = new Layout(found, times.Dimension, TrajectoryDimension(found, times.Dimension, options, path));
        var definitions = new List<ColumnDefinition> { new(column, layout.Size) };
        if (options.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column), layout.Size));
        double start = options.StartTime ??
            (first > 0 ? all[first - 1] : times.Start is { } said && said <= all[0] ? said : StartTimes.Before(all));
        if (!(start <= all[first]))
            throw new ArgumentException($"The start time {start} must not be after the first cycle, which is at " +
                $"{all[first]}.", nameof(options));
        return new TrajectoryView(new TrajectorySchema(layout.Batch, definitions), end - first, start,
            () => new Cursor(context, NetCdfFile.Open(path), variable, column, times, (first, end), layout, options));
    }

    private static int TrajectoryDimension(NetCdfVariable variable, int time, NetCdfOptions options, string path)
    {
        if (options.TrajectoryDimension is not { } name) return -1;
        for (int i = 0; i < variable.Dimensions.Count; i++)
            if (i != time && variable.Dimensions[i].Name == name) return i;
        throw new DataFileException($"The variable {variable} in '{path}' has no dimension '{name}' beside time, which " +
            $"'{nameof(options.TrajectoryDimension)}' says.");
    }

    private static string Bound(DateTime? date, string otherwise) => date?.ToString("yyyy-MM-dd HH:mm") ?? otherwise;

    /// <summary>Which of a variable's dimensions are time and trajectories; the rest are the vector.</summary>
    private sealed class Layout
    {
        private readonly int[] order;

        public Layout(NetCdfVariable variable, int time, int trajectory)
        {
            Time = time;
            Batch = trajectory < 0 ? 1 : variable.Shape[trajectory];
            int[] rest = [.. Enumerable.Range(0, variable.Dimensions.Count).Where(i => i != time && i != trajectory)];
            Size = rest.Aggregate(1L, (product, i) => checked(product * variable.Shape[i]));
            order = [.. new[] { time, trajectory }.Where(i => i >= 0), .. rest];
        }

        /// <summary>The dimension of time, or -1.</summary>
        public int Time { get; }

        public long Batch { get; }

        /// <summary>n</summary>
        public long Size { get; }

        /// <summary>A block that is row-major in the file's order of dimensions, as time, trajectory, vector.</summary>
        public double[] Arranged(double[] block, long[] shape)
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

    private sealed class Cursor(DataAssimilationContext context, NetCdfFile file, string name, Column column, NetCdfTimes times,
        (int First, int End) part, Layout layout, NetCdfOptions options) : TrajectoryCursor(null)
    {
        private readonly NetCdfVariable variable = file.Variable(name);
        private readonly int count = checked((int)(layout.Batch * layout.Size));
        private double[] block = [];
        private long blockStart;

        public override double Time => Cycle >= 0 ? times.Values[part.First + Cycle] : double.NaN;

        protected override bool Compute(long cycle)
        {
            if (cycle >= part.End - part.First) return false;
            if (cycle == 0 || cycle >= blockStart + block.Length / count) Read(cycle);
            var values = block.AsSpan((int)(cycle - blockStart) * count, count);
            var present = new bool[count];
            var numbers = new double[count];
            for (int i = 0; i < count; i++)
            {
                present[i] = double.IsFinite(values[i]);
                numbers[i] = present[i] ? values[i] * options.Scale : 0;
            }
            long[] shape = [layout.Batch, layout.Size];
            if (options.Missing == MissingValues.Mask) Set(Columns.MaskOf(column), tensor(present, device: context.Device).reshape(shape));
            else if (present.Contains(false))
                throw new DataFileException($"The variable {variable} in '{file.Path}' lacks {present.Count(there => !there)} of its " +
                    $"{count} values in entry {part.First + cycle} ({times.Text(times.Values[part.First + cycle])}); " +
                    $"use {nameof(NetCdfOptions)} {{ {nameof(NetCdfOptions.Missing)} = " +
                    $"{nameof(MissingValues)}.{nameof(MissingValues.Mask)} }} to have them marked.");
            Set(column, tensor(numbers, dtype: context.Precision, device: context.Device).reshape(shape));
            return true;
        }

        protected override void DisposeState() => file.Dispose();

        private void Read(long cycle)
        {
            long[] start = new long[variable.Dimensions.Count], counts = variable.Shape;
            long count = Math.Min(options.CyclesPerRead, part.End - part.First - cycle);
            if (layout.Time >= 0) (start[layout.Time], counts[layout.Time]) = (part.First + cycle, count);
            block = layout.Arranged(file.Read(variable, start, counts), counts);
            blockStart = cycle;
        }
    }
}

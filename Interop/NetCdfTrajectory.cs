using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>How a NetCDF variable is read as a view, with the defaults.</summary>
public sealed record NetCdfOptions
{
    /// <summary>The first time to read (UTC); null = from the beginning.</summary>
    public DateTime? From { get; init; }

    /// <summary>The time before which to stop (UTC); null = to the end.</summary>
    public DateTime? Until { get; init; }

    /// <summary>What a missing value means.</summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;

    /// <summary>What the values are multiplied by, for instance 0.01 to have hPa of Pa.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>How many cycles are read from the file at once.</summary>
    public int CyclesPerRead { get; init; } = 64;
}

/// <summary>Reads NetCDF files as trajectory views: <c>context.Data.FromNetCdf(...)</c>.</summary>
public static class NetCdfTrajectory
{
    /// <summary>
    /// A variable of a file, whose first dimension is time, as the cycles of one trajectory; its other dimensions are
    /// one vector <c>[n]</c>, row-major. Only times are read at once; values are read as a cursor moves.
    /// </summary>
    /// <param name="catalog">Whose context says device and precision.</param>
    /// <param name="path">The file.</param>
    /// <param name="variable">The variable, dimensions (time, ...).</param>
    /// <param name="column">The column its values become, <c>[n]</c>.</param>
    /// <param name="options">Times, missing values, units.</param>
    /// <returns>A view of batch 1. Its time is days since 1970-01-01 00:00 UTC.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFileException">The file is damaged or foreign, or the variable is absent, not numeric, has no time, or no cycle in the interval asked for.</exception>
    public static ITrajectoryView FromNetCdf(this DataCatalog catalog, string path, string variable, Column column, NetCdfOptions? options = null)
    {
        options ??= new NetCdfOptions();
        Require.AtLeast(options.CyclesPerRead, 1);
        if (!double.IsFinite(options.Scale) || options.Scale == 0)
            throw new ArgumentOutOfRangeException(nameof(options), options.Scale, $"'Scale' must be a finite number other than zero; given: {options.Scale}.");
        var context = catalog.Context;
        using var file = NetCdfFile.Open(path);
        var found = file.Variable(variable);
        if (found.Dimensions.Count < 2)
            throw new DataFileException($"The variable {found} in '{path}' has {found.Dimensions.Count} dimension(s); time and at least one more are needed.");
        double[] times = Times(file, found.Dimensions[0]);
        int first = Array.FindIndex(times, time => time >= Days(options.From, double.NegativeInfinity));
        int end = first < 0 ? -1 : Array.FindIndex(times, first, time => time >= Days(options.Until, double.PositiveInfinity));
        if (end < 0) end = times.Length;
        if (first < 0 || end == first)
            throw new DataFileException($"The variable {found} in '{path}' has no cycle from {Bound(options.From, "the beginning")} until {Bound(options.Until, "the end")}; it runs from {Date(times[0])} to {Date(times[^1])}.");

        long size = found.Shape.Skip(1).Aggregate(1L, (product, length) => checked(product * length));
        if (size == 0) throw new DataFileException($"The variable {found} in '{path}' has no values.");
        var definitions = new List<ColumnDefinition> { new(column, size) };
        if (options.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column), size));
        double start = first > 0 ? times[first - 1] : times.Length > 1 ? 2 * times[0] - times[1] : times[0] - 1;
        return new TrajectoryView(new TrajectorySchema(1, definitions), end - first, start,
            () => new Cursor(context, NetCdfFile.Open(path), variable, column, times[first..end], first, options));
    }

    private static double[] Times(NetCdfFile file, NetCdfDimension dimension)
    {
        var variable = file.Variables.FirstOrDefault(variable => variable.Name == dimension.Name)
            ?? throw new DataFileException($"'{file.Path}' has no coordinate variable for its time dimension '{dimension.Name}'.");
        if (variable.Text("units") is not { } units)
            throw new DataFileException($"The coordinate {variable} in '{file.Path}' has no units; 'days since ...' or the like is needed of a time.");
        CalendarTime calendar;
        try { calendar = new CalendarTime(units, variable.Text("calendar")?.ToLowerInvariant()); }
        catch (FormatException e) { throw new DataFileException($"The times {variable} in '{file.Path}' cannot be read: {e.Message}.", e); }
        double[] times = [.. file.Read(dimension.Name).Select(calendar.Days)];
        if (times.Length == 0) throw new DataFileException($"The time dimension '{dimension.Name}' of '{file.Path}' has no entry.");
        for (int i = 0; i < times.Length; i++)
            if (!double.IsFinite(times[i]) || i > 0 && !(times[i] > times[i - 1]))
                throw new DataFileException($"The times {variable} in '{file.Path}' must increase; entry {i} is {times[i]} days since 1970-01-01{(i > 0 ? $" after {times[i - 1]}" : "")}.");
        return times;
    }

    private static string Bound(DateTime? date, string otherwise) => date?.ToString("yyyy-MM-dd HH:mm") ?? otherwise;

    private static double Days(DateTime? date, double otherwise) =>
        date is { } given ? (given - DateTime.UnixEpoch).TotalDays : otherwise;

    private static string Date(double days) => Math.Abs(days) < 700_000 ? DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd HH:mm") : $"{days} days since 1970-01-01";

    private sealed class Cursor(DataAssimilationContext context, NetCdfFile file, string name, Column column, double[] times, long offset, NetCdfOptions options)
        : TrajectoryCursor(null)
    {
        private readonly NetCdfVariable variable = file.Variable(name);
        private double[] block = [];
        private long blockStart;

        public override double Time => Cycle >= 0 ? times[Cycle] : double.NaN;

        protected override bool Compute(long cycle)
        {
            if (cycle >= times.Length) return false;
            long size = variable.Shape.Skip(1).Aggregate(1L, (product, length) => product * length);
            if (cycle == 0 || cycle >= blockStart + block.Length / size) Read(cycle);
            var values = block.AsSpan((int)((cycle - blockStart) * size), (int)size);
            var present = new bool[size];
            var numbers = new double[size];
            for (int i = 0; i < size; i++)
            {
                present[i] = double.IsFinite(values[i]);
                numbers[i] = present[i] ? values[i] * options.Scale : 0;
            }
            if (options.Missing == MissingValues.Mask) Set(Columns.MaskOf(column), tensor(present, device: context.Device).unsqueeze(0));
            else if (present.Contains(false))
                throw new DataFileException($"The variable {variable} in '{file.Path}' lacks {present.Count(there => !there)} of its {size} values in entry {offset + cycle} ({Date(times[cycle])}); " +
                                          $"use {nameof(NetCdfOptions)} {{ {nameof(NetCdfOptions.Missing)} = {nameof(MissingValues)}.{nameof(MissingValues.Mask)} }} to have them marked.");
            Set(column, tensor(numbers, dtype: context.Precision, device: context.Device).unsqueeze(0));
            return true;
        }

        protected override void DisposeState() => file.Dispose();

        private void Read(long cycle)
        {
            long count = Math.Min(options.CyclesPerRead, times.Length - cycle);
            long[] start = new long[variable.Dimensions.Count], counts = variable.Shape;
            (start[0], counts[0]) = (offset + cycle, count);
            block = file.Read(variable, start, counts);
            blockStart = cycle;
        }
    }
}

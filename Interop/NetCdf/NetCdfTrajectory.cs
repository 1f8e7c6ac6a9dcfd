using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Reads NetCDF files as trajectory views: <c>context.Data.FromNetCdf(...)</c>.</summary>
public static class NetCdfTrajectory
{
    /// <summary>
    /// Reads a variable of a file as the cycles of one trajectory, or of several. One of its dimensions is time, in any position; the
    /// others make one vector <c>[n]</c>, row-major: n = 1 for a series, one cycle for a single field. Only times are read at once;
    /// values are read while a cursor moves.
    /// </summary>
    /// <param name="catalog">The catalog, whose context sets device and precision.</param>
    /// <param name="path">
    /// The file, or several files in sequence, as a pattern with <c>*</c> and <c>?</c> in the name, for instance <c>data/slp_*.nc</c>;
    /// they are sorted by their times.
    /// </param>
    /// <param name="variable">The variable; in a group with its path, for instance <c>ObsValue/airTemperature</c>.</param>
    /// <param name="column">The column of the view that receives the values, <c>[n]</c>.</param>
    /// <param name="options">Times, missing values, units, region (default: null, their defaults).</param>
    /// <returns>
    /// A view. Its time is days since 1970-01-01 00:00 UTC, counted in the file's calendar: a year of <c>noleap</c> has 365. Times in
    /// units of <c>1</c> are in the model's own unit and are not converted.
    /// </returns>
    /// <exception cref="FileNotFoundException">The file does not exist, or none matches the pattern.</exception>
    /// <exception cref="DataFileException">
    /// The file is damaged or foreign, or the variable is absent, not numeric, has no time, or no cycle in the requested interval; or
    /// files do not agree.
    /// </exception>
    public static ITrajectoryView FromNetCdf(this DataCatalog catalog, string path, string variable, Column column,
        NetCdfOptions? options = null) => catalog.FromNetCdf(NetCdfFilePattern.Files(path), variable, column, options);

    /// <summary>
    /// Reads a variable of several files as one view. The files are sorted by their times, whatever their names, and are open one at a
    /// time. Units of time and packing may differ from file to file; grids, units of the values and calendars must be the same, and no
    /// time may be in two files.
    /// </summary>
    /// <param name="catalog">The catalog, whose context sets device and precision.</param>
    /// <param name="paths">The files, in any order.</param>
    /// <param name="variable">The variable, which every file must have.</param>
    /// <param name="column">The column of the view that receives the values, <c>[n]</c>.</param>
    /// <param name="options">Times, missing values, units, region (default: null, their defaults).</param>
    /// <returns>A view, as for one file.</returns>
    /// <exception cref="FileNotFoundException">A file does not exist.</exception>
    /// <exception cref="DataFileException">As for one file; or files do not agree, and the message names them.</exception>
    public static ITrajectoryView FromNetCdf(this DataCatalog catalog, IReadOnlyList<string> paths, string variable, Column column,
        NetCdfOptions? options = null)
    {
        options ??= new NetCdfOptions();
        Require.AtLeast(options.CyclesPerRead, 1);
        if (options.Interval is { } apart) Require.Positive(apart);
        if (!double.IsFinite(options.Scale) || options.Scale == 0)
            throw new ArgumentOutOfRangeException(nameof(options), options.Scale,
                $"'Scale' must be a finite number other than zero; given: {options.Scale}.");
        var context = catalog.Context;
        var sequence = NetCdfSequence.Open(paths, variable, options);
        if (sequence.Calendar is null && (options.From ?? options.Until) is not null)
            throw new DataFileException($"The times of {sequence.Name} are in the model's own unit; '{nameof(options.From)}' and " +
                $"'{nameof(options.Until)}' are dates.");
        double[] all = sequence.Times;
        double from = options.From is { } beginning ? sequence.Calendar!.Days(beginning) : double.NegativeInfinity;
        double until = options.Until is { } ending ? sequence.Calendar!.Days(ending) : double.PositiveInfinity;
        int first = Array.FindIndex(all, time => time >= from);
        int end = first < 0 ? -1 : Array.FindIndex(all, first, time => time >= until);
        if (end < 0) end = all.Length;
        if (first < 0 || end == first)
            throw new DataFileException($"The variable {sequence.Name} has no cycle from {Bound(options.From, "the beginning")} " +
                $"until {Bound(options.Until, "the end")}; it runs from {sequence.Text(all[0])} to {sequence.Text(all[^1])}.");
        if (options.Interval is { } interval) sequence.RequireInterval(first, end, interval, context.Options.TimeTolerance);

        var definitions = new List<ColumnDefinition> { new(column, sequence.Size) };
        if (options.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column), sequence.Size));
        double? start = options.StartTime?.Of(all, first)
            ?? (first > 0 ? all[first - 1] : sequence.Start <= all[0] ? sequence.Start : null);
        return new TrajectoryView(new TrajectorySchema(sequence.Batch, definitions), end - first, start,
            () => new Cursor(context, sequence, variable, column, (first, end), options));
    }

    private static string Bound(DateTime? date, string otherwise) => date?.ToString("yyyy-MM-dd HH:mm") ?? otherwise;

    private sealed class Cursor(DataAssimilationContext context, NetCdfSequence sequence, string name, Column column,
        (int First, int End) part, NetCdfOptions options) : TrajectoryCursor(null)
    {
        private readonly int count = checked((int)(sequence.Batch * sequence.Size));
        private NetCdfFile? file;
        private string? path;
        private double[] block = [];
        private long blockStart;

        public override double Time => Cycle >= 0 ? sequence.Times[part.First + Cycle] : double.NaN;

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
            long[] shape = [sequence.Batch, sequence.Size];
            if (options.Missing == MissingValues.Mask) Set(Columns.MaskOf(column), tensor(present, device: context.Device).reshape(shape));
            else if (present.Contains(false))
                throw new DataFileException($"The variable {file!.Variable(name)} in '{path}' lacks {present.Count(there => !there)} " +
                    $"of its {count} values in entry {sequence.Locate(part.First + cycle).Entry} " +
                    $"({sequence.Text(sequence.Times[part.First + cycle])}); use {nameof(NetCdfOptions)} {{ " +
                    $"{nameof(NetCdfOptions.Missing)} = {nameof(MissingValues)}.{nameof(MissingValues.Mask)} }} to mark them as " +
                    "missing.");
            Set(column, tensor(numbers, dtype: context.Precision, device: context.Device).reshape(shape));
            return true;
        }

        protected override void DisposeState() => file?.Dispose();

        private void Read(long cycle)
        {
            var (source, layout, entry, left) = sequence.Locate(part.First + cycle);
            if (source != path || file is null)
            {
                file?.Dispose();
                (file, path) = (NetCdfFile.Open(source), source);
            }
            long cycles = Math.Min(Math.Min(options.CyclesPerRead, part.End - part.First - cycle), left);
            block = layout.Read(file, file.Variable(name), entry, cycles);
            blockStart = cycle;
        }
    }
}

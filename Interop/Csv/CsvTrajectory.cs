using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Reads CSV files as trajectory views: <c>context.Data.FromCsv(...)</c>.</summary>
public static class CsvTrajectory
{
    /// <summary>
    /// Reads a file with a header and one row per cycle (and trajectory). The times are read at once, the values while a cursor moves.
    /// </summary>
    /// <param name="catalog">The catalog, whose context sets device and precision.</param>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="options">Times, separator, missing values.</param>
    /// <param name="columns">The columns of the view, with the headers they are made from.</param>
    /// <returns>A view of batch 1, or of as many trajectories as the file has.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="ArgumentException">
    /// There are no columns, the delimiter or comment character is invalid, or the start time is after the first cycle.
    /// </exception>
    /// <exception cref="DataFileException">
    /// A header is missing or occurs twice, a row has too few or too many fields, or a field is not a number; the message names file,
    /// line and column.
    /// </exception>
    public static ITrajectoryView FromCsv(this DataCatalog catalog, string path, CsvOptions options, params CsvColumn[] columns)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"The file '{path}' does not exist.", path);
        if (columns.Length == 0 || columns.Any(column => column.Headers.Length == 0))
            throw new ArgumentException("At least one column is needed, with at least one header each.", nameof(columns));
        CsvRows.Check(options);
        IReadOnlyList<string> trajectories;
        double[] times;
        using (var rows = new CsvRows(path, options, columns)) trajectories = rows.Trajectories();
        using (var rows = new CsvRows(path, options, columns)) times = rows.Times(trajectories);
        if (times.Length == 0) throw new DataFileException($"'{path}' has a header but no rows.");

        var definitions = new List<ColumnDefinition>();
        foreach (var column in columns)
        {
            definitions.Add(new(column.Column, column.Headers.Length));
            if (options.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column.Column), column.Headers.Length));
        }
        double? start = options.StartTime?.Of(times) ?? (options.TimeHeader is null ? 0 : null);
        return new TrajectoryView(new TrajectorySchema(trajectories.Count, definitions), times.Length, start,
            () => new Cursor(catalog.Context, new CsvRows(path, options, columns), times, trajectories.Count, options, columns));
    }

    /// <summary>
    /// Reads a file with a header and one row per cycle as one trajectory, with the default options: times under <c>time</c>, commas, no
    /// missing values.
    /// </summary>
    public static ITrajectoryView FromCsv(this DataCatalog catalog, string path, params CsvColumn[] columns) =>
        catalog.FromCsv(path, new CsvOptions(), columns);

    private sealed class Cursor(DataAssimilationContext context, CsvRows rows, double[] times, int trajectories,
        CsvOptions options, CsvColumn[] columns) : TrajectoryCursor(null)
    {
        public override double Time => Cycle >= 0 ? times[Cycle] : double.NaN;

        protected override bool Compute(long cycle)
        {
            if (cycle >= times.Length) return false;
            var numbers = columns.Select(_ => new List<double>()).ToArray();
            for (int trajectory = 0; trajectory < trajectories; trajectory++)
            {
                if (!rows.Read()) return false;
                for (int i = 0; i < columns.Length; i++) numbers[i].AddRange(rows.Positions[i].Select(rows.Number));
            }
            for (int i = 0; i < columns.Length; i++)
            {
                double[] values = [.. numbers[i]];
                bool[] present = Array.ConvertAll(values, number => !double.IsNaN(number));
                long[] shape = [trajectories, columns[i].Headers.Length];
                if (options.Missing == MissingValues.Mask)
                    Set(Columns.MaskOf(columns[i].Column), tensor(present, device: context.Device).reshape(shape));
                values = Array.ConvertAll(values, number => double.IsNaN(number) ? 0 : number);
                Set(columns[i].Column, tensor(values, dtype: context.Precision, device: context.Device).reshape(shape));
            }
            return true;
        }

        protected override void DisposeState() => rows.Dispose();
    }
}

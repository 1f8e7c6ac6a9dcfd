using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Which columns of a CSV file become a column of a view.</summary>
/// <param name="Column">The view's column, a vector of as many components as there are headers.</param>
/// <param name="Headers">The file's columns by their headers, in the vector's order.</param>
public sealed record CsvColumn(Column Column, params string[] Headers);

/// <summary>How a CSV file is read as a view, with the defaults.</summary>
public sealed record CsvOptions
{
    /// <summary>The header of the times: numbers in the model's unit, or dates (ISO 8601, UTC) that become days since 1970-01-01; null = row by row 1, 2, 3.</summary>
    public string? TimeHeader { get; init; } = "time";

    /// <summary>What separates the fields.</summary>
    public string Delimiter { get; init; } = ",";

    /// <summary>What an empty field, or <c>NaN</c>, means.</summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;
}

/// <summary>Reads CSV files as trajectory views: <c>context.Data.FromCsv(...)</c>.</summary>
public static class CsvTrajectory
{
    /// <summary>
    /// A file with a header and one row per cycle as one trajectory. The times are read at once, the values as a cursor
    /// moves.
    /// </summary>
    /// <param name="catalog">Whose context says device and precision.</param>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="options">Times, separator, missing values.</param>
    /// <param name="columns">Which of its columns become which of the view's.</param>
    /// <returns>A view of batch 1.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFileException">A header is missing or twice there, a row has too few or too many fields, or a field is no number; the message says file, line and column.</exception>
    public static ITrajectoryView FromCsv(this DataCatalog catalog, string path, CsvOptions options, params CsvColumn[] columns)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.", path);
        if (columns.Length == 0 || columns.Any(column => column.Headers.Length == 0))
            throw new ArgumentException("At least one column of at least one header is needed.", nameof(columns));
        double[] times;
        using (var rows = new Rows(path, options, columns)) times = rows.Times();
        if (times.Length == 0) throw new DataFileException($"'{path}' has a header and no row.");

        var definitions = new List<ColumnDefinition>();
        foreach (var column in columns)
        {
            definitions.Add(new(column.Column, column.Headers.Length));
            if (options.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column.Column), column.Headers.Length));
        }
        double start = times.Length > 1 ? 2 * times[0] - times[1] : times[0] - 1;
        return new TrajectoryView(new TrajectorySchema(1, definitions), times.Length, start,
            () => new Cursor(catalog.Context, new Rows(path, options, columns), times, options, columns));
    }

    /// <summary>A file with a header and one row per cycle as one trajectory, with the default options: times under <c>time</c>, commas, nothing missing.</summary>
    public static ITrajectoryView FromCsv(this DataCatalog catalog, string path, params CsvColumn[] columns) =>
        catalog.FromCsv(path, new CsvOptions(), columns);

    private sealed class Rows : IDisposable
    {
        private readonly string path;
        private readonly CsvOptions options;
        private readonly CsvParser parser;
        private readonly string[] headers;
        private readonly int time;

        public Rows(string path, CsvOptions options, CsvColumn[] columns)
        {
            (this.path, this.options) = (path, options);
            var configuration = new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = options.Delimiter, TrimOptions = TrimOptions.Trim, BadDataFound = Damaged };
            parser = new CsvParser(new StreamReader(path), configuration);
            try
            {
                headers = Read() ? parser.Record! : throw new DataFileException($"'{path}' is empty; a header line is needed.");
                time = options.TimeHeader is null ? -1 : Position(options.TimeHeader);
                Positions = [.. columns.Select(column => column.Headers.Select(Position).ToArray())];
            }
            catch
            {
                parser.Dispose();
                throw;
            }
        }

        /// <summary>Where each view column's components are in a row.</summary>
        public int[][] Positions { get; }

        public void Dispose() => parser.Dispose();

        public bool Read()
        {
            if (!parser.Read()) return false;
            if (headers is not null && parser.Count != headers.Length)
                throw new DataFileException($"'{path}', line {parser.RawRow}: the row has {parser.Count} fields where the header has {headers.Length}.");
            return true;
        }

        /// <summary>A field as a number; NaN where it is missing.</summary>
        public double Number(int position)
        {
            string field = parser[position];
            if (field.Length == 0 || field.Equals("nan", StringComparison.OrdinalIgnoreCase))
                return options.Missing == MissingValues.Mask ? double.NaN : throw Refuse(position,
                    $"is missing; use {nameof(CsvOptions)} {{ {nameof(CsvOptions.Missing)} = {nameof(MissingValues)}.{nameof(MissingValues.Mask)} }} to have missing values marked");
            return double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
                ? number : throw Refuse(position, $"is '{field}', not a finite number");
        }

        public double[] Times()
        {
            var times = new List<double>();
            while (Read())
            {
                double next = time < 0 ? times.Count + 1 : Time();
                if (times.Count > 0 && !(next > times[^1])) throw Refuse(time, $"is '{parser[time]}', not later than the row before; times must increase");
                times.Add(next);
            }
            return [.. times];
        }

        private double Time()
        {
            if (double.TryParse(parser[time], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)) return number;
            return DateTime.TryParse(parser[time], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date)
                ? (date - DateTime.UnixEpoch).TotalDays : throw Refuse(time, $"is '{parser[time]}', neither a number nor a date");
        }

        private int Position(string header)
        {
            int position = Array.IndexOf(headers, header);
            if (position < 0) throw new DataFileException($"'{path}' has no column '{header}'; it has: {string.Join(", ", headers)}.");
            if (Array.LastIndexOf(headers, header) != position) throw new DataFileException($"'{path}' has more than one column '{header}'.");
            return position;
        }

        private DataFileException Refuse(int position, string why) => new($"'{path}', line {parser.RawRow}, column '{headers[position]}': the field {why}.");

        private void Damaged(BadDataFoundArgs found) =>
            throw new DataFileException($"'{path}', line {found.Context.Parser!.RawRow}: a quotation mark is out of place in '{found.Field}'.");
    }

    private sealed class Cursor(DataAssimilationContext context, Rows rows, double[] times, CsvOptions options, CsvColumn[] columns) : TrajectoryCursor(null)
    {
        public override double Time => Cycle >= 0 ? times[Cycle] : double.NaN;

        protected override bool Compute(long cycle)
        {
            if (cycle >= times.Length || !rows.Read()) return false;
            for (int i = 0; i < columns.Length; i++)
            {
                double[] numbers = [.. rows.Positions[i].Select(rows.Number)];
                if (options.Missing == MissingValues.Mask)
                    Set(Columns.MaskOf(columns[i].Column), tensor(Array.ConvertAll(numbers, number => !double.IsNaN(number)), device: context.Device).unsqueeze(0));
                Set(columns[i].Column, tensor(Array.ConvertAll(numbers, number => double.IsNaN(number) ? 0 : number), dtype: context.Precision, device: context.Device).unsqueeze(0));
            }
            return true;
        }

        protected override void DisposeState() => rows.Dispose();
    }
}

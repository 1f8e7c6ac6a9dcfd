using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace DaML.Components;

/// <summary>
/// The rows of a CSV file, one after the other. Comments are skipped. Blank lines are also skipped, except in a file of one column: there
/// a blank line is a row with an empty field, as spreadsheets write it. If rows are counted because the file has no times, a blank line
/// between rows of several columns is refused.
/// </summary>
internal sealed class CsvRows : IDisposable
{
    private readonly string path;
    private readonly CsvOptions options;
    private readonly CsvParser parser;
    private readonly bool isSeparatedByBlanks;
    private readonly HashSet<string> markers;
    private readonly double[] numericMarkers;
    private readonly string[] headers;
    private readonly int time, trajectory;
    private string[] fields = [];
    private int blankLine;

    /// <summary>Opens a file and reads its header.</summary>
    /// <exception cref="DataFileException">There is no header, or a requested column is missing or occurs twice.</exception>
    public CsvRows(string path, CsvOptions options, IReadOnlyList<CsvColumn> columns)
    {
        (this.path, this.options) = (path, options);
        isSeparatedByBlanks = options.Delimiter.Length > 0 && options.Delimiter.All(sign => sign == ' ');
        markers = new(options.Markers.Select(marker => marker.Trim()), StringComparer.OrdinalIgnoreCase);
        numericMarkers = [.. markers.Where(IsNumber).Select(Parse)];
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = isSeparatedByBlanks ? " " : options.Delimiter,
            TrimOptions = isSeparatedByBlanks ? TrimOptions.None : TrimOptions.Trim,
            WhiteSpaceChars = isSeparatedByBlanks ? [] : [' '],
            IgnoreBlankLines = false,
            AllowComments = options.Comment is not null,
            Comment = options.Comment ?? '#',
            BadDataFound = Damaged,
        };
        parser = new CsvParser(new StreamReader(path), configuration);
        try
        {
            headers = ReadRow() ? fields : throw new DataFileException($"'{path}' is empty; a header line is needed.");
            time = options.TimeHeader is null ? -1 : Position(options.TimeHeader);
            trajectory = options.TrajectoryHeader is null ? -1 : Position(options.TrajectoryHeader);
            Positions = [.. columns.Select(column => column.Headers.Select(Position).ToArray())];
        }
        catch
        {
            parser.Dispose();
            throw;
        }
    }

    /// <summary>The positions in a row of each view column's components.</summary>
    public int[][] Positions { get; }

    /// <summary>Refuses settings with which no file can be read.</summary>
    /// <exception cref="ArgumentException">The settings are invalid.</exception>
    public static void Check(CsvOptions options)
    {
        if (options.Delimiter.Length == 0 || options.Delimiter.Any(sign => sign is '"' or '\n' or '\r' || char.IsLetterOrDigit(sign)))
            throw new ArgumentException($"'{nameof(CsvOptions.Delimiter)}' must separate fields without a letter, digit, quotation " +
                $"mark or end of line; given: '{options.Delimiter}'.", nameof(options));
        if (options.Comment is { } comment &&
            (comment is '"' or '\n' or '\r' or ' ' || char.IsLetterOrDigit(comment) || options.Delimiter.Contains(comment)))
            throw new ArgumentException($"'{nameof(CsvOptions.Comment)}' must differ from the delimiter and must not be a letter, " +
                $"digit, blank, quotation mark or end of line; given: '{comment}'.", nameof(options));
    }

    /// <inheritdoc/>
    public void Dispose() => parser.Dispose();

    /// <summary>Moves to the next row.</summary>
    /// <returns>False after the last.</returns>
    /// <exception cref="DataFileException">The row has too few or too many fields, or a quotation mark is out of place.</exception>
    public bool Read()
    {
        if (!ReadRow()) return false;
        // A delimiter at the end of the rows, or of the header, does not make a column.
        int both = Math.Min(fields.Length, headers.Length);
        if (fields.Skip(both).Concat(headers.Skip(both)).Any(text => text.Length > 0))
            throw new DataFileException(
                $"'{path}', line {parser.RawRow}: the row has {fields.Length} fields; the header has {headers.Length}.");
        fields = [.. fields.Take(both), .. headers.Skip(both)];
        return true;
    }

    /// <summary>Reads a field as a number; NaN if it is missing.</summary>
    /// <exception cref="DataFileException">The field is not a finite number, or is missing and missing values are refused.</exception>
    public double Number(int position)
    {
        string field = fields[position];
        if (IsMissing(field))
            return options.Missing == MissingValues.Mask ? double.NaN : throw Refuse(position,
                $"is missing; use {nameof(CsvOptions)} {{ {nameof(CsvOptions.Missing)} = " +
                $"{nameof(MissingValues)}.{nameof(MissingValues.Mask)} }} to have missing values marked");
        return IsNumber(field) && Parse(field) is var number && double.IsFinite(number) ? number : throw Refuse(position,
            field.Contains(',') && IsNumber(field.Replace(',', '.')) ? $"is '{field}', not a number: numbers have a decimal point, no comma"
            : $"is '{field}', not a finite number; where that means a missing value, name it in " +
            $"{nameof(CsvOptions)}.{nameof(CsvOptions.Markers)}");
    }

    /// <summary>Reads the trajectories from the rows of the first time; one without a name if the file has no such column.</summary>
    /// <exception cref="DataFileException">A trajectory occurs twice, or a time is neither a number nor a date.</exception>
    public IReadOnlyList<string> Trajectories()
    {
        if (trajectory < 0) return [""];
        var names = new List<string>();
        double first = double.NaN;
        bool? dates = null;
        while (Read())
        {
            string name = fields[trajectory];
            double now = time < 0 ? 0 : Time(ref dates);
            if (names.Count == 0) first = now;
            if (now != first || (time < 0 && names.Contains(name))) break;
            if (names.Contains(name)) throw Refuse(trajectory, $"is '{name}': the first time has the trajectory '{name}' twice");
            names.Add(name);
        }
        return names;
    }

    /// <summary>Reads the times, up to the end of the file.</summary>
    /// <param name="trajectories">The trajectories of every time, in order.</param>
    /// <exception cref="DataFileException">
    /// A time is neither a number nor a date, the times do not increase, or a trajectory is missing at a time.
    /// </exception>
    public double[] Times(IReadOnlyList<string> trajectories)
    {
        var times = new List<double>();
        bool? dates = null;
        bool areDigits = time >= 0;
        int row = 0;
        for (; Read(); row++)
        {
            areDigits = areDigits && IsoDate.IsDigits(fields[time]);
            int within = row % trajectories.Count;
            double next = time < 0 ? row / trajectories.Count + 1 : Time(ref dates);
            if (trajectory >= 0 && fields[trajectory] != trajectories[within])
                throw Refuse(trajectory, $"is '{fields[trajectory]}'; '{trajectories[within]}' is expected: every time must have the " +
                    $"trajectories {string.Join(", ", trajectories)} in this order");
            if (within == 0)
            {
                if (times.Count > 0 && !(next > times[^1]))
                    throw Refuse(time, $"is '{fields[time]}', not later than the row before; times must increase");
                times.Add(next);
            }
            else if (next != times[^1])
                throw Refuse(time, $"is '{fields[time]}'; the trajectories {string.Join(", ", trajectories)} of a time must stand " +
                    $"together");
        }
        if (row % Math.Max(1, trajectories.Count) > 0)
            throw new DataFileException($"'{path}' ends with {row % trajectories.Count} of the {trajectories.Count} trajectories of " +
                $"its last time.");
        if (areDigits && times.Count > 0)
            throw new DataFileException($"'{path}', column '{headers[time]}': every time is a number that looks like a date without " +
                $"separators, for instance {times[0]}. Write dates as 2001-12-31 or 20011231T00Z, and numbers as '{times[0]}.0'.");
        return [.. times];
    }

    private bool ReadRow()
    {
        while (parser.Read())
        {
            fields = parser.Record!;
            bool isBlank = (isSeparatedByBlanks || fields.Length == 1) && fields.All(string.IsNullOrWhiteSpace) &&
                !parser.RawRecord.Contains('"');
            if (isBlank && headers is not { Length: 1 })
            {
                if (headers is not null && blankLine == 0) blankLine = parser.RawRow;
                continue;
            }
            if (blankLine > 0 && time < 0)
                throw new DataFileException($"'{path}', line {blankLine}: the line is blank, and without times every row is a cycle. " +
                    $"Write its delimiters where a cycle is missing, or remove the line.");
            fields = isBlank ? [""] : isSeparatedByBlanks
                ? [.. fields.SelectMany(field => field.Split('\t')).Where(field => field.Length > 0)] : fields;
            return true;
        }
        return false;
    }

    private double Time(ref bool? dates)
    {
        string field = fields[time];
        bool isDate = IsoDate.TryRead(field, out double days);
        if (!isDate && !(IsNumber(field) && double.IsFinite(Parse(field)))) throw Refuse(time, $"is '{field}', neither a number nor a " +
            $"date of ISO 8601 (2001-12-31, 2001-12-31T18:00:00Z)");
        if (dates is { } before && before != isDate) throw Refuse(time, $"is '{field}', a {(isDate ? "date" : "number")} where the " +
            $"rows before have {(isDate ? "numbers" : "dates")}");
        dates = isDate;
        return isDate ? days : Parse(field);
    }

    // Some writers give NaN a sign.
    private bool IsMissing(string field) => field.Length == 0 || markers.Contains(field) ||
        (IsNumber(field) && Parse(field) is var number && (double.IsNaN(number) || numericMarkers.Contains(number)));

    private int Position(string header)
    {
        int position = Array.IndexOf(headers, header);
        if (position < 0) throw new DataFileException($"'{path}' has no column '{header}'; it has: {string.Join(", ", headers)}." +
            (headers is [var only] && only.IndexOfAny([',', ';', '\t', ' ']) is >= 0 and var at
                ? $" Its columns may be separated by another {nameof(CsvOptions)}.{nameof(CsvOptions.Delimiter)}: {Sign(only[at])}." : ""));
        if (Array.LastIndexOf(headers, header) != position)
            throw new DataFileException($"'{path}' has more than one column '{header}'; rename all but one.");
        return position;
    }

    private static string Sign(char delimiter) => delimiter switch { '\t' => "\"\\t\"", _ => $"\"{delimiter}\"" };

    private static bool IsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static double Parse(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private DataFileException Refuse(int position, string why) => new($"'{path}', line {parser.RawRow}, column '{headers[position]}': " +
        $"the field {why}.");

    private void Damaged(BadDataFoundArgs found) =>
        throw new DataFileException($"'{path}', line {found.Context.Parser!.RawRow}: a quotation mark is out of place in '{found.Field}'.");
}

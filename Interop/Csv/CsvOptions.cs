namespace DaML;

/// <summary>A column of a view, made from columns of a CSV file.</summary>
/// <param name="Column">The view's column, a vector of as many components as there are headers.</param>
/// <param name="Headers">The headers of the file's columns, in the vector's order.</param>
public sealed record CsvColumn(Column Column, params string[] Headers);

/// <summary>Settings for reading a CSV file as a view, with their defaults.</summary>
public sealed record CsvOptions
{
    /// <summary>
    /// The header of the times (default: <c>time</c>). Times are numbers in the model's unit, or dates (ISO 8601; UTC if they have no
    /// zone), which become days since 1970-01-01. With null, the rows have the times 1, 2, 3 and so on, from a start at 0.
    /// </summary>
    public string? TimeHeader { get; init; } = "time";

    /// <summary>
    /// The separator of the fields (default: a comma). A blank stands for any number of blanks and tabs, so that columns may be aligned.
    /// </summary>
    public string Delimiter { get; init; } = ",";

    /// <summary>
    /// The treatment of missing values (default: an error). A missing value is an empty field, <c>NaN</c>, or one of <see cref="Markers"/>.
    /// </summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;

    /// <summary>
    /// Further markers of a missing value, beside an empty field and <c>NaN</c>, for instance <c>NA</c> or <c>-9999</c> (default: none).
    /// A number matches itself however it is written (-9999.0); upper and lower case do not matter in text.
    /// </summary>
    public IReadOnlyList<string> Markers { get; init; } = [];

    /// <summary>The character that begins a comment line, which is skipped, for instance <c>#</c> (default: null, no comments).</summary>
    public char? Comment { get; init; }

    /// <summary>
    /// The time of the state before the first cycle, from which a method's first forecast starts (default: null, unknown; methods that
    /// start there refuse the view). It is a number in the view's unit, at most the first cycle's time; or
    /// <see cref="FileStart.AtFirstCycle"/>, if the first observation is of the initial state; or
    /// <see cref="FileStart.OneIntervalBefore"/>.
    /// </summary>
    public FileStart? StartTime { get; init; }

    /// <summary>
    /// The header of the trajectories' numbers, for a file with several trajectories (default: null, one trajectory). The rows of a time
    /// are adjacent, and in the same order at every time.
    /// </summary>
    public string? TrajectoryHeader { get; init; }
}

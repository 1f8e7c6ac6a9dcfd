namespace DaML;

/// <summary>Which columns of a CSV file become a column of a view.</summary>
/// <param name="Column">The view's column, a vector of as many components as there are headers.</param>
/// <param name="Headers">The file's columns by their headers, in the vector's order.</param>
public sealed record CsvColumn(Column Column, params string[] Headers);

/// <summary>How a CSV file is read as a view, with the defaults.</summary>
public sealed record CsvOptions
{
    /// <summary>
    /// The header of the times (default: <c>time</c>): numbers in the model's unit, or dates (ISO 8601, UTC unless they have a zone) that
    /// become days since 1970-01-01; null = row by row 1, 2, 3 from a start at 0.
    /// </summary>
    public string? TimeHeader { get; init; } = "time";

    /// <summary>What separates the fields (default: a comma). A blank stands for any number of blanks and tabs, so that columns may
    /// be aligned.</summary>
    public string Delimiter { get; init; } = ",";

    /// <summary>What a missing value means (default: an error): an empty field, <c>NaN</c>, or one of <see cref="Markers"/>.</summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;

    /// <summary>
    /// What stands for a missing value beside an empty field and <c>NaN</c>, for instance <c>NA</c> or <c>-9999</c> (default: nothing). A
    /// number stands for itself however it is written (-9999.0), text for itself in any case.
    /// </summary>
    public IReadOnlyList<string> Markers { get; init; } = [];

    /// <summary>What begins a line that is a comment and is skipped, for instance <c>#</c>; null (default) = there are no
    /// comments.</summary>
    public char? Comment { get; init; }

    /// <summary>
    /// The time of the state before the first cycle, from which a method's first forecast starts: a number in the view's unit, not above
    /// the first cycle's; <see cref="FileStart.AtFirstCycle"/> where the first observation is of the initial state; or
    /// <see cref="FileStart.OneIntervalBefore"/>. Null (default) = nothing says it, and methods that start there refuse the view.
    /// </summary>
    public FileStart? StartTime { get; init; }

    /// <summary>
    /// The header of the trajectories' numbers, for a file of several: the rows of a time stand together, in the same order at every time.
    /// Null (default) = there is one trajectory.
    /// </summary>
    public string? TrajectoryHeader { get; init; }
}

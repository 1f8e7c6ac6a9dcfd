namespace DaML;

/// <summary>How a NetCDF variable is read as a view, with the defaults.</summary>
public sealed record NetCdfOptions
{
    /// <summary>The first time to read (UTC, a date of the file's calendar); null = from the beginning.</summary>
    public DateTime? From { get; init; }

    /// <summary>The time before which to stop (UTC, a date of the file's calendar); null = to the end.</summary>
    public DateTime? Until { get; init; }

    /// <summary>What a missing value means (default: an error).</summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;

    /// <summary>What the values are multiplied by, for instance 0.01 to have hPa of Pa (default: 1).</summary>
    public double Scale { get; init; } = 1;

    /// <summary>How many cycles are read from the file at once (default: 64).</summary>
    public int CyclesPerRead { get; init; } = 64;

    /// <summary>
    /// The variable with the times: of one dimension that the variable read has, or a single time; null (default) = the coordinate variable
    /// in units of time of one of its dimensions, or an auxiliary or scalar one.
    /// </summary>
    public string? TimeVariable { get; init; }

    /// <summary>The time of a variable that has no times in the file, so that it is read as a single field (UTC); null (default) = such a
    /// variable is refused.</summary>
    public DateTime? FieldTime { get; init; }

    /// <summary>
    /// The time of the state before the first cycle, from which a method's first forecast starts: a number in the view's unit, not above
    /// the first cycle's; <see cref="FileStart.AtFirstCycle"/> where the first observation is of the initial state; or
    /// <see cref="FileStart.OneIntervalBefore"/>. Null (default) = the file's time before the first that is read, or what a file of this
    /// library says; where neither is there, nothing says it, and methods that start there refuse the view.
    /// </summary>
    public FileStart? StartTime { get; init; }

    /// <summary>
    /// How far apart the times that are read must be, in the view's unit, within the context's <c>TimeTolerance</c>; a gap is refused with
    /// the times and files it lies between. Null (default) = times are as they are.
    /// </summary>
    public double? Interval { get; init; }

    /// <summary>
    /// The part of a grid that is read; the last two dimensions beside time are latitude and longitude then. Null (default) = the whole.
    /// <c>LatitudeLongitudeGrid.FromNetCdf</c> gives its points.
    /// </summary>
    public LatitudeLongitudeBox? Region { get; init; }

    /// <summary>The dimension that counts independent trajectories, for instance <c>trajectory</c>; null (default) = there is one
    /// trajectory.</summary>
    public string? TrajectoryDimension { get; init; }
}

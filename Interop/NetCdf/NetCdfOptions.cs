namespace DaML;

/// <summary>Settings for reading a NetCDF variable as a view, with their defaults.</summary>
public sealed record NetCdfOptions
{
    /// <summary>The first time to read (UTC, a date of the file's calendar; default: null, from the beginning).</summary>
    public DateTime? From { get; init; }

    /// <summary>The time before which to stop (UTC, a date of the file's calendar; default: null, to the end).</summary>
    public DateTime? Until { get; init; }

    /// <summary>The treatment of missing values (default: an error).</summary>
    public MissingValues Missing { get; init; } = MissingValues.Refuse;

    /// <summary>The factor by which the values are multiplied, for instance 0.01 to convert Pa to hPa (default: 1).</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The number of cycles that are read from the file at once (default: 64).</summary>
    public int CyclesPerRead { get; init; } = 64;

    /// <summary>
    /// The variable with the times: it has one dimension that the variable read also has, or holds a single time. The default is null:
    /// the coordinate variable, in units of time, of one of the variable's dimensions, or an auxiliary or scalar one.
    /// </summary>
    public string? TimeVariable { get; init; }

    /// <summary>
    /// The time of a variable without times in the file, which is then read as a single field (UTC; default: null, such a variable is
    /// refused).
    /// </summary>
    public DateTime? FieldTime { get; init; }

    /// <summary>
    /// The time of the state before the first cycle, from which a method's first forecast starts: a number in the view's unit, at most
    /// the first cycle's time; or <see cref="FileStart.AtFirstCycle"/>, if the first observation is of the initial state; or
    /// <see cref="FileStart.OneIntervalBefore"/>. The default is null: the file's time before the first one that is read, or the start
    /// time in a file that this library wrote. If there is neither, the start time is unknown, and methods that start there refuse the
    /// view.
    /// </summary>
    public FileStart? StartTime { get; init; }

    /// <summary>
    /// The required interval between the times that are read, in the view's unit, within the context's <c>TimeTolerance</c>; a gap is
    /// refused with the times and files it lies between (default: null, any intervals).
    /// </summary>
    public double? Interval { get; init; }

    /// <summary>
    /// The part of a grid that is read; the last two dimensions apart from time must then be latitude and longitude (default: null, the
    /// whole). <c>LatitudeLongitudeGrid.FromNetCdf</c> returns its points.
    /// </summary>
    public LatitudeLongitudeBox? Region { get; init; }

    /// <summary>
    /// The dimension that counts independent trajectories, for instance <c>trajectory</c> (default: null, one trajectory).
    /// </summary>
    public string? TrajectoryDimension { get; init; }
}

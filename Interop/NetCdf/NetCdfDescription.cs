namespace DaML.Components;

/// <summary>The description of a column in a NetCDF file (CF conventions 1.11, sections 3, 4 and 5).</summary>
public sealed record NetCdfDescription
{
    /// <summary>
    /// The grid of the column's last axis, latitude by latitude (default: null, none). With a grid, the variable has the dimensions
    /// <c>latitude</c> and <c>longitude</c> with their coordinates.
    /// </summary>
    public LatitudeLongitudeGrid? Grid { get; init; }

    /// <summary>
    /// The lead times of the column's first axis, rising, in the unit of the view's times (default: null, the column is of its cycle's
    /// time). With lead times the column is a forecast, which begins at the time of its cycle. The variable then has the dimensions
    /// <c>forecast_reference_time</c> and <c>leadtime</c>, and <c>valid_time</c> holds the time that each value is valid for.
    /// </summary>
    public IReadOnlyList<double>? Leads { get; init; }

    /// <summary>The unit of the values, for instance <c>hPa</c> (default: null, none is written).</summary>
    public string? Units { get; init; }

    /// <summary>
    /// The CF standard name of the values, for instance <c>air_pressure_at_mean_sea_level</c> (default: null, none is written).
    /// </summary>
    public string? StandardName { get; init; }

    /// <summary>A description of the values in words (default: null, none is written).</summary>
    public string? LongName { get; init; }
}

namespace DaML.Components;

/// <summary>What a column is, as a NetCDF file says it (CF conventions 1.11, sections 3, 4 and 5).</summary>
public sealed record NetCdfDescription
{
    /// <summary>The grid that the column's last axis runs over, latitude by latitude; the variable has dimensions <c>latitude</c> and
    /// <c>longitude</c> with their coordinates then. Null (default) = none.</summary>
    public LatitudeLongitudeGrid? Grid { get; init; }

    /// <summary>
    /// The lead times that the column's first axis runs over, rising, in the unit of the view's times: the column is a forecast, and the
    /// time of its cycle is when it begins. The variable has the dimensions <c>forecast_reference_time</c> and <c>leadtime</c> then, and
    /// <c>valid_time</c> says when each value is to hold. Null (default) = the column is of its cycle's time.
    /// </summary>
    public IReadOnlyList<double>? Leads { get; init; }

    /// <summary>The unit of the values, for instance <c>hPa</c> (default: none is written).</summary>
    public string? Units { get; init; }

    /// <summary>What the values are in the table of standard names, for instance <c>air_pressure_at_mean_sea_level</c> (default: none is
    /// written).</summary>
    public string? StandardName { get; init; }

    /// <summary>What the values are in words (default: none is written).</summary>
    public string? LongName { get; init; }
}

namespace DaML.Components;

/// <summary>Observes fields on a grid of latitudes and longitudes.</summary>
public static class GridInterpolation
{
    /// <summary>Observes a field on a grid at sites anywhere in it, by bilinear interpolation.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="sites">The observing sites, in degrees north and east.</param>
    /// <exception cref="ArgumentException">Coordinates of the grid are out of order, there are no sites, or one lies outside.</exception>
    public static InterpolationObservationOperator InterpolateTo(this LatitudeLongitudeGrid grid,
        params IReadOnlyList<(double Latitude, double Longitude)> sites) => new(grid.Latitudes, grid.Longitudes, sites);
}

namespace DaML;

/// <summary>A part of the sphere between two parallels and two meridians, its edges included.</summary>
/// <param name="South">The latitude of the southern edge, in degrees north, from -90.</param>
/// <param name="North">The latitude of the northern edge, in degrees north, to 90.</param>
/// <param name="West">The longitude of the western edge, in degrees east.</param>
/// <param name="East">
/// The longitude of the eastern edge, in degrees east, counted eastwards from the western one: 350 to 20 and -10 to 20 are the same 30
/// degrees. -180 to 180 is the whole circle.
/// </param>
public sealed record LatitudeLongitudeBox(double South, double North, double West, double East)
{
    private const double RoundOff = 1e-5;   // of coordinates in single precision

    /// <summary>Whether a latitude lies in the box.</summary>
    internal bool HasLatitude(double latitude) => latitude >= South - RoundOff && latitude <= North + RoundOff;

    /// <summary>Whether a longitude lies in the box.</summary>
    internal bool HasLongitude(double longitude) => East - West >= 360 || Eastwards(longitude) <= Modulo(East - West) + RoundOff;

    /// <summary>A longitude, counted from the western edge.</summary>
    internal double Unwrapped(double longitude) => West + Eastwards(longitude);

    /// <summary>Refuses edges that do not make a box.</summary>
    /// <exception cref="ArgumentException">The edges do not make a box.</exception>
    internal void Check()
    {
        if (!(South >= -90 && South <= North && North <= 90 && double.IsFinite(West) && double.IsFinite(East)))
            throw new ArgumentException("A region needs a southern and a northern edge from -90 to 90 degrees, in this order, and " +
                $"finite meridians; given: {this}.");
    }

    // Degrees from the western edge; a longitude that is just west of it by rounding is on it.
    private double Eastwards(double longitude)
    {
        double degrees = Modulo(longitude - West);
        return degrees > 360 - RoundOff ? degrees - 360 : degrees;
    }

    private static double Modulo(double degrees) => degrees - 360 * Math.Floor(degrees / 360);
}

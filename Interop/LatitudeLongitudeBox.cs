namespace DaML;

/// <summary>A part of the sphere between two parallels and two meridians, its edges included.</summary>
/// <param name="South">Degrees north of the southern edge, from -90.</param>
/// <param name="North">Degrees north of the northern edge, to 90.</param>
/// <param name="West">Degrees east of the western edge.</param>
/// <param name="East">Degrees east of the eastern edge, sought eastwards from the western one: from 350 to 20, or from -10 to 20, are the
/// same 30 degrees. From -180 to 180 is the whole circle.</param>
public sealed record LatitudeLongitudeBox(double South, double North, double West, double East)
{
    private const double RoundOff = 1e-5;   // of coordinates in single precision

    /// <summary>Which latitudes lie in it.</summary>
    internal bool HasLatitude(double latitude) => latitude >= South - RoundOff && latitude <= North + RoundOff;

    /// <summary>Whether a longitude lies in it.</summary>
    internal bool HasLongitude(double longitude) => East - West >= 360 || Eastwards(longitude) <= Modulo(East - West) + RoundOff;

    /// <summary>A longitude, from that of the western edge on.</summary>
    internal double Unwrapped(double longitude) => West + Eastwards(longitude);

    /// <summary>Refuses edges that are no box.</summary>
    /// <exception cref="ArgumentException">They are none.</exception>
    internal void Check()
    {
        if (!(South >= -90 && South <= North && North <= 90 && double.IsFinite(West) && double.IsFinite(East)))
            throw new ArgumentException("A region needs a southern and a northern edge from -90 to 90 degrees, in this order, and " +
                $"finite meridians; given: {this}.");
    }

    // Degrees from the western edge; what is just west of it by rounding is on it.
    private double Eastwards(double longitude)
    {
        double degrees = Modulo(longitude - West);
        return degrees > 360 - RoundOff ? degrees - 360 : degrees;
    }

    private static double Modulo(double degrees) => degrees - 360 * Math.Floor(degrees / 360);
}

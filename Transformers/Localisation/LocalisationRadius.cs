using System.Text.Json.Serialization;

namespace DaML;

/// <summary>The meaning of a localisation radius.</summary>
public enum LocalisationRadiusKind
{
    /// <summary>Gaspari and Cohn's c, half of the distance at which a taper of finite support ends.</summary>
    HalfWidth,

    /// <summary>The distance at which the taper is exp(-1/2), the scale of the Gaussian it stands for.</summary>
    EFolding,
}

/// <summary>
/// The reach of an observation, in the unit of the geometry's coordinates. Published figures mean different things by a radius, so each
/// has its own factory method; a <see cref="LocalisationTaper"/> converts between them.
/// </summary>
public sealed record LocalisationRadius
{
    /// <summary>Makes a radius of a kind; the factory methods are clearer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not above zero, or there is no such kind.</exception>
    [JsonConstructor]
    public LocalisationRadius(LocalisationRadiusKind kind, double? length)
    {
        Kind = Require.Defined(kind);
        Length = length is { } given ? Require.Positive(given, nameof(length)) : null;
    }

    /// <summary>Every observation reaches everywhere with its full weight.</summary>
    public static LocalisationRadius Infinite { get; } = new(LocalisationRadiusKind.HalfWidth, null);

    /// <summary>Gaspari and Cohn's c: their taper ends at 2 c.</summary>
    /// <param name="length">c, above zero.</param>
    public static LocalisationRadius HalfWidth(double length) => new(LocalisationRadiusKind.HalfWidth, length);

    /// <summary>The distance at which the taper is exp(-1/2): Sakov's and DAPPER's convention, c = 1.82 r for Gaspari and Cohn's.</summary>
    /// <param name="length">r, above zero.</param>
    public static LocalisationRadius EFolding(double length) => new(LocalisationRadiusKind.EFolding, length);

    /// <summary>The meaning of the length.</summary>
    public LocalisationRadiusKind Kind { get; }

    /// <summary>The length, or null if it is infinite.</summary>
    public double? Length { get; }
}

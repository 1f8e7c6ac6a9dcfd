namespace DaML;

/// <summary>
/// The taper of an observation's weight with distance, from one at its position to zero. Lengths are counted in half-widths c. A taper of
/// your own overrides the three members; to be saved, it must be a component (<see cref="ComponentAttribute"/>), as these are.
/// </summary>
public abstract record LocalisationTaper
{
    /// <summary>
    /// Gaspari and Cohn (1999, Q. J. R. Meteorol. Soc. 125, 723-757), eq. 4.10: nearly a Gaussian, zero from 2 c on. The usual choice.
    /// </summary>
    public static LocalisationTaper GaspariCohn { get; } = new StandardTaper(TaperShape.GaspariCohn);

    /// <summary>One up to c, zero beyond: local domains without a taper. The e-folding radius is its end.</summary>
    public static LocalisationTaper Boxcar { get; } = new StandardTaper(TaperShape.Boxcar);

    /// <summary>exp(-d^2 / (2 r^2)), cut off at 0.001; its half-width is that of Gaspari and Cohn's approximation, 1.82 r.</summary>
    public static LocalisationTaper Gaussian { get; } = new StandardTaper(TaperShape.Gaussian);

    /// <summary>1 - d / (2 c), one half at c.</summary>
    public static LocalisationTaper Triangular { get; } = new StandardTaper(TaperShape.Triangular);

    /// <summary>(1 - (d / (2 c))^3)^3, flat near zero (Sakov's "cubic").</summary>
    public static LocalisationTaper Tricube { get; } = new StandardTaper(TaperShape.Tricube);

    /// <summary>c / r, the half-width in units of the e-folding radius.</summary>
    public abstract double HalfWidthsPerEFolding { get; }

    /// <summary>The distance, in half-widths, beyond which the weight is zero.</summary>
    public abstract double Support { get; }

    /// <summary>The weight at a distance.</summary>
    /// <param name="distance">The distance, not below zero, in half-widths.</param>
    public abstract double At(double distance);

    /// <summary>c for a radius; infinite for an infinite one.</summary>
    public double HalfWidth(LocalisationRadius radius) => radius.Length is not { } length ? double.PositiveInfinity
        : radius.Kind == LocalisationRadiusKind.HalfWidth ? length : length * HalfWidthsPerEFolding;
}

/// <summary>The shapes of the tapers that <see cref="LocalisationTaper"/> offers.</summary>
internal enum TaperShape { GaspariCohn, Boxcar, Gaussian, Triangular, Tricube }

/// <summary>The tapers that <see cref="LocalisationTaper"/> offers.</summary>
[Component("localisation-taper")]
internal sealed record StandardTaper(TaperShape Shape) : LocalisationTaper
{
    /// <summary>The shape of the taper.</summary>
    public TaperShape Shape { get; } = Require.Defined(Shape);

    // The Gaussian of scale r and Gaspari and Cohn's function of half-width sqrt(10/3) r have the same curvature at zero.
    private const double GaussianHalfWidths = 1.82;
    private const double Negligible = 1e-3;

    public override double HalfWidthsPerEFolding => Shape switch
    {
        TaperShape.Boxcar => 1,
        TaperShape.Triangular => 0.5 / (1 - Math.Exp(-0.5)),
        TaperShape.Tricube => 0.5 / Math.Cbrt(1 - Math.Exp(-1.0 / 6)),
        _ => GaussianHalfWidths,
    };

    public override double Support => Shape switch
    {
        TaperShape.Boxcar => 1,
        TaperShape.Gaussian => Math.Sqrt(-2 * Math.Log(Negligible)) / GaussianHalfWidths,
        _ => 2,
    };

    public override double At(double distance)
    {
        if (distance > Support) return 0;
        double z = distance;
        switch (Shape)
        {
            case TaperShape.Boxcar: return 1;
            case TaperShape.Gaussian: return Math.Exp(-0.5 * GaussianHalfWidths * GaussianHalfWidths * z * z);
            case TaperShape.Triangular: return 1 - z / 2;
            case TaperShape.Tricube:
                double root = 1 - z * z * z / 8;
                return root * root * root;
            case TaperShape.GaspariCohn when z <= 1: return 1 + z * z * (-5.0 / 3 + z * (5.0 / 8 + z * (0.5 - z / 4)));
            // Near its end the polynomial is round-off about zero, of either sign.
            default: return Math.Max(0, 4 - 2 / (3 * z) + z * (-5 + z * (5.0 / 3 + z * (5.0 / 8 + z * (-0.5 + z / 12)))));
        }
    }
}

namespace DaML.Plotting;

/// <summary>A colour of the sRGB space, one byte for each channel.</summary>
public readonly record struct RgbColor(byte R, byte G, byte B)
{
    /// <inheritdoc/>
    public override string ToString() => $"#{R:x2}{G:x2}{B:x2}";
}

/// <summary>
/// A perceptually uniform colour map: equal steps of the data look equal, also to colour-blind readers and in a grey print.
/// </summary>
public sealed class ColorMap
{
    private readonly Func<double, RgbColor> color;

    private ColorMap(string name, Func<double, RgbColor> color)
    {
        Name = name;
        this.color = color;
    }

    /// <summary>The name of the map.</summary>
    public string Name { get; }

    /// <summary>
    /// Dark violet over green to yellow, for values that go in one direction (van der Walt and Smith's viridis, public domain).
    /// </summary>
    public static ColorMap Viridis { get; } = new("viridis", share => Between(share,
        [0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725]));

    /// <summary>
    /// Blue over white to red, for values on both sides of a middle: straight lines through CIELAB from either end to
    /// white, both ends equally dark.
    /// </summary>
    public static ColorMap BlueWhiteRed { get; } = new("blue-white-red", share =>
    {
        double toEnd = Math.Abs(2 * share - 1);
        var (a, b) = share < 0.5 ? (16.0, -48.0) : (52.0, 32.0);
        return FromLab(97 + toEnd * (33 - 97), toEnd * a, toEnd * b);
    });

    /// <summary>The colour at a fraction of the way from the lower to the upper end; outside [0, 1] that of the nearer end.</summary>
    /// <exception cref="ArgumentException">The fraction is NaN.</exception>
    public RgbColor At(double share) =>
        double.IsNaN(share) ? throw new ArgumentException("A place on a colour map must be a number; given: NaN.", nameof(share))
        : color(Math.Clamp(share, 0, 1));

    private static RgbColor Between(double share, int[] anchors)
    {
        double place = share * (anchors.Length - 1);
        int left = Math.Min((int)place, anchors.Length - 2);
        byte Channel(int shift)
        {
            int from = anchors[left] >> shift & 255, to = anchors[left + 1] >> shift & 255;
            return (byte)Math.Round(from + (place - left) * (to - from));
        }
        return new RgbColor(Channel(16), Channel(8), Channel(0));
    }

    // CIELAB (white point D65) to sRGB, IEC 61966-2-1.
    private static RgbColor FromLab(double lightness, double a, double b)
    {
        static double Inverse(double t) => t > 6.0 / 29 ? t * t * t : 3 * (6.0 / 29) * (6.0 / 29) * (t - 4.0 / 29);
        double middle = (lightness + 16) / 116;
        double x = 0.95047 * Inverse(middle + a / 500), y = Inverse(middle), z = 1.08883 * Inverse(middle - b / 200);
        static byte Channel(double linear)
        {
            double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.Pow(linear, 1 / 2.4) - 0.055;
            return (byte)Math.Round(255 * Math.Clamp(value, 0, 1));
        }
        return new RgbColor(
            Channel(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
            Channel(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
            Channel(0.0556434 * x - 0.2040259 * y + 1.0572252 * z));
    }
}

/// <summary>The assignment of colours to values.</summary>
/// <param name="Map">The colours.</param>
/// <param name="Minimum">The value at the lower end; values below it take the end's colour, and the colour bar says so.</param>
/// <param name="Maximum">The value at the upper end.</param>
/// <param name="Axis">The quantity of the values, written beside the colour bar; on a logarithmic axis equal ratios differ equally.</param>
public sealed record ColorScale(ColorMap Map, double Minimum, double Maximum, Axis Axis)
{
    /// <summary>The value at the upper end.</summary>
    /// <exception cref="ArgumentException">
    /// The ends are not finite, in the wrong order, or not above zero on a logarithmic axis.
    /// </exception>
    public double Maximum { get; } = double.IsFinite(Minimum) && double.IsFinite(Maximum) && Minimum < Maximum
        && (Axis.Scale == AxisScale.Linear || Minimum > 0) ? Maximum
        : throw new ArgumentException($"A colour scale needs two finite ends, the lower first, " +
            $"{(Axis.Scale == AxisScale.Linear ? "" : "and on a logarithmic axis both above zero; ")}given: {Minimum} and {Maximum}.");

    /// <summary>The place of a value between the ends, 0 to 1; outside of them that of the nearer end.</summary>
    internal double Share(double value) => Axis.Scale == AxisScale.Linear ? Math.Clamp((value - Minimum) / (Maximum - Minimum), 0, 1)
        : value <= Minimum ? 0 : Math.Min(Math.Log(value / Minimum) / Math.Log(Maximum / Minimum), 1);

    /// <summary>Makes a scale from blue below zero over white at zero to red above, with equal reach on both sides.</summary>
    /// <param name="reach">The value at the red end, above zero.</param>
    /// <param name="axis">The quantity of the values.</param>
    public static ColorScale Diverging(double reach, Axis axis) => new(ColorMap.BlueWhiteRed, -Require.Positive(reach), reach, axis);

    /// <summary>Makes a scale from dark at the lower to bright at the upper value.</summary>
    public static ColorScale Sequential(double minimum, double maximum, Axis axis) => new(ColorMap.Viridis, minimum, maximum, axis);

    /// <summary>The smallest round number that no absolute value exceeds: a reach for <see cref="Diverging"/> that clips nothing.</summary>
    /// <param name="values">The values; NaN is skipped.</param>
    public static double RoundReach(double[,] values)
    {
        double reach = values.Cast<double>().Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        if (reach == 0) return 1;
        double step = Ticks.Step(reach, 10);
        return Math.Ceiling(reach / step - 1e-9) * step;
    }
}

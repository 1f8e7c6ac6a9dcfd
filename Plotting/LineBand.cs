namespace DaML.Plotting;

/// <summary>A shaded band around a <see cref="LineSeries"/>, for instance its mean plus and minus the spread, or two quantiles.</summary>
/// <param name="Name">The name in the legend; empty for none.</param>
/// <param name="Lower">The lower edge at the line's places; NaN leaves a gap.</param>
/// <param name="Upper">The upper edge, nowhere below the lower one; NaN leaves a gap.</param>
public sealed record LineBand(string Name, IReadOnlyList<double> Lower, IReadOnlyList<double> Upper)
{
    // Faint enough for a grid line and a second band to be seen through it.
    internal const double Opacity = 0.22;

    /// <summary>The upper edge.</summary>
    /// <exception cref="ArgumentException">
    /// The lengths differ, an edge is infinite, the upper edge is below the lower one, or no place has both.
    /// </exception>
    public IReadOnlyList<double> Upper { get; } = Check(Name, Lower, Upper);

    /// <summary>Makes the band of values plus and minus a multiple of their spread.</summary>
    /// <param name="name">The name in the legend.</param>
    /// <param name="values">The middle of the band.</param>
    /// <param name="spread">The standard deviations, not below zero.</param>
    /// <param name="factor">The number of standard deviations on either side (default: 1).</param>
    /// <exception cref="ArgumentException">The lengths differ, or a spread is below zero.</exception>
    public static LineBand Around(string name, IReadOnlyList<double> values, IReadOnlyList<double> spread, double factor = 1)
    {
        Require.Positive(factor);
        if (values.Count != spread.Count)
            throw new ArgumentException($"The band '{name}' has {values.Count} values and {spread.Count} spreads; it needs one for each.");
        IReadOnlyList<double> Edge(double sign) => [.. values.Zip(spread, (value, deviation) => value + sign * factor * deviation)];
        return new(name, Edge(-1), Edge(1));
    }

    /// <summary>Draws the band along a line's places; an edge that a logarithmic axis does not have is drawn at the axis' end.</summary>
    internal void Draw(SvgWriter svg, IReadOnlyList<double> places, AxisMap x, AxisMap y, string color)
    {
        double Pixel(double value) => y.Pixel(y.Axis.Scale == AxisScale.Logarithmic ? Math.Max(value, y.Minimum) : value);
        var gaps = Upper.Zip(Lower, (upper, lower) => double.IsNaN(upper + lower)).ToList();
        var below = LinePath.Runs(places, Lower, i => gaps[i], x.Pixel, Pixel);
        var above = LinePath.Runs(places, Upper, i => gaps[i], x.Pixel, Pixel);
        foreach (var (lower, upper) in below.Zip(above))
            svg.Polygon([.. LinePath.Thin(lower), .. LinePath.Thin(upper).Reverse()], color, opacity: Opacity);
    }

    private static IReadOnlyList<double> Check(string name, IReadOnlyList<double> lower, IReadOnlyList<double> upper)
    {
        if (lower.Count != upper.Count)
            throw new ArgumentException(
                $"The band '{name}' has {lower.Count} lower and {upper.Count} upper values; it needs as many of both.");
        for (int i = 0; i < lower.Count; i++)
            if (double.IsInfinity(lower[i]) || double.IsInfinity(upper[i]) || upper[i] < lower[i])
                throw new ArgumentException(FormattableString.Invariant(
                    $"The band '{name}' runs from {lower[i]} to {upper[i]} at place {i}: its edges must be finite, the lower first; ") +
                    "use NaN for a gap.");
        if (lower.Zip(upper, (low, high) => double.IsNaN(low + high)).All(gap => gap))
            throw new ArgumentException($"The band '{name}' has no place with both edges to draw.");
        return upper;
    }
}

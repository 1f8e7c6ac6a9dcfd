using System.Globalization;

namespace DaML.Plotting;

/// <summary>The spacing of an axis' values.</summary>
public enum AxisScale
{
    /// <summary>Equal differences are equally far apart.</summary>
    Linear,

    /// <summary>Equal ratios are equally far apart; values must be above zero.</summary>
    Logarithmic,
}

/// <summary>The notation of an axis' ticks.</summary>
public enum AxisNotation
{
    /// <summary>As numbers.</summary>
    Number,

    /// <summary>As degrees east and west, 330 as 30°W.</summary>
    Longitude,

    /// <summary>As degrees north and south.</summary>
    Latitude,
}

/// <summary>An axis: its quantity, its unit and its range.</summary>
/// <param name="Label">The quantity, for instance <c>time</c>; empty for an axis without a title.</param>
/// <param name="Unit">The unit, put in brackets behind the label; empty for a number without one.</param>
public sealed record Axis(string Label, string Unit = "")
{
    /// <summary>The spacing of the values.</summary>
    public AxisScale Scale { get; init; }

    /// <summary>The notation of the ticks.</summary>
    public AxisNotation Notation { get; init; }

    /// <summary>The lower end (default: null, that of the data).</summary>
    public double? Minimum { get; init; }

    /// <summary>The upper end (default: null, that of the data).</summary>
    public double? Maximum { get; init; }

    /// <summary>Label and unit as they are written.</summary>
    internal string Title => Unit.Length == 0 ? Label : Label.Length == 0 ? Unit : $"{Label} ({Unit})";

    /// <summary>The range to draw: at an end that the axis does not set, that of the data, widened by a share.</summary>
    /// <exception cref="ArgumentException">The range is empty, not finite, or not above zero on a logarithmic axis.</exception>
    internal (double Minimum, double Maximum) Range(double dataMinimum, double dataMaximum, double padding)
    {
        bool logarithmic = Scale == AxisScale.Logarithmic;
        double low = Minimum ?? dataMinimum, high = Maximum ?? dataMaximum;
        if (!double.IsFinite(low) || !double.IsFinite(high) || low > high || (logarithmic && low <= 0))
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"The axis '{Title}' cannot run from {low} to {high}: " +
                    $"{(logarithmic ? "a logarithmic axis needs finite values above zero" : "it needs finite values")}, the lower first."));
        if (logarithmic) (low, high) = (Math.Log10(low), Math.Log10(high));
        double span = high - low;
        if (span == 0) span = logarithmic ? 1 : Math.Max(Math.Abs(low), 1);
        double pad = high == low ? span / 2 : padding * span;
        if (Minimum is null || high == low) low -= pad;
        if (Maximum is null || high == low) high += pad;
        return logarithmic ? (Math.Pow(10, low), Math.Pow(10, high)) : (low, high);
    }
}

/// <summary>Maps the values of an axis to positions on the drawing.</summary>
internal readonly record struct AxisMap(Axis Axis, double Minimum, double Maximum, double PixelMinimum, double PixelMaximum)
{
    public double Pixel(double value)
    {
        double share = Axis.Scale == AxisScale.Logarithmic
            ? Math.Log10(value / Minimum) / Math.Log10(Maximum / Minimum)
            : (value - Minimum) / (Maximum - Minimum);
        return PixelMinimum + share * (PixelMaximum - PixelMinimum);
    }

    public bool Contains(double value) => value >= Math.Min(Minimum, Maximum) && value <= Math.Max(Minimum, Maximum);
}

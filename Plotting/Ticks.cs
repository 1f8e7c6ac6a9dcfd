using System.Globalization;

namespace DaML.Plotting;

/// <summary>A marked value of an axis and its label, which is empty for a minor tick.</summary>
internal readonly record struct Tick(double Value, string Label);

/// <summary>
/// Ticks at round numbers: steps of 1, 2 or 5 times a power of ten; decades on a logarithmic axis; whole degrees on a map.
/// </summary>
internal static class Ticks
{
    private static readonly double[] DegreeSteps = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90];

    /// <summary>Ticks of an axis between two values, ends included, of which at most about <paramref name="most"/> have a label.</summary>
    public static IReadOnlyList<Tick> Of(Axis axis, double minimum, double maximum, int most)
    {
        if (minimum > maximum) (minimum, maximum) = (maximum, minimum);
        most = Math.Max(most, 2);
        return axis.Scale == AxisScale.Logarithmic ? Logarithmic(minimum, maximum, most) : Linear(axis.Notation, minimum, maximum, most);
    }

    /// <summary>The smallest round step that divides a span into at most this many parts.</summary>
    public static double Step(double span, int most)
    {
        double rough = span / most;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        foreach (double factor in (double[])[1, 2, 5])
            if (factor * power >= rough * (1 - 1e-9)) return factor * power;
        return 10 * power;
    }

    /// <summary>
    /// Formats a number for a tick of this step: only the decimals that the step needs, a true minus, and one power of ten for the whole
    /// axis if it is very large or small.
    /// </summary>
    private static string Format(double value, double step, double largest)
    {
        if (value != 0 && (largest >= 1e6 || step < 1e-5))
        {
            int exponent = (int)Math.Floor(Math.Log10(largest) + 1e-12);
            return Plain(value / Math.Pow(10, exponent), step / Math.Pow(10, exponent)) + "×10" + Superscript(exponent);
        }
        return Plain(value, step);
    }

    private static string Plain(double value, double step)
    {
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        return value.ToString("F" + decimals, CultureInfo.InvariantCulture).Replace('-', '\u2212');
    }

    private static List<Tick> Linear(AxisNotation notation, double minimum, double maximum, int most)
    {
        double span = maximum - minimum;
        double step = notation == AxisNotation.Number ? Step(span, most)
            : span / most < 1 ? Step(span, most)
            : DegreeSteps.FirstOrDefault(degrees => span / degrees <= most, 180);
        double largest = Math.Max(Math.Abs(minimum), Math.Abs(maximum));
        var ticks = new List<Tick>();
        double first = Math.Ceiling(minimum / step - 1e-9);
        for (double i = first; i * step <= maximum + 1e-9 * step; i++)
        {
            double value = Math.Abs(i) < 0.5 ? 0 : i * step;
            ticks.Add(new Tick(value, notation switch
            {
                AxisNotation.Longitude => Longitude(value, step),
                AxisNotation.Latitude => value == 0 ? "0°" : Plain(Math.Abs(value), step) + (value > 0 ? "°N" : "°S"),
                _ => Format(value, step, largest),
            }));
        }
        return ticks;
    }

    private static List<Tick> Logarithmic(double minimum, double maximum, int most)
    {
        double decades = Math.Log10(maximum / minimum);
        if (decades < 0.7)    // less than a factor of five: decades say nothing here, round numbers do
            return Linear(AxisNotation.Number, minimum, maximum, most);
        int every = Math.Max(1, (int)Math.Ceiling(decades / most));
        bool halves = decades * 3 <= most;
        bool plain = minimum >= 0.99e-3 && maximum <= 1.01e4;    // short enough to be written out, all of them
        var ticks = new List<Tick>();
        for (int exponent = (int)Math.Floor(Math.Log10(minimum)); exponent <= Math.Log10(maximum) + 1e-9; exponent++)
            for (int digit = 1; digit <= 9; digit++)
            {
                double value = digit * Math.Pow(10, exponent);
                if (value < minimum * (1 - 1e-9) || value > maximum * (1 + 1e-9)) continue;
                bool labelled = digit == 1 ? exponent % every == 0 : halves && digit is 2 or 5;
                if (labelled) ticks.Add(new Tick(value, Power(digit, exponent, plain)));
                else if (every == 1 || digit == 1) ticks.Add(new Tick(value, ""));
            }
        return ticks;
    }

    private static string Power(int digit, int exponent, bool plain) =>
        plain ? Plain(digit * Math.Pow(10, exponent), Math.Pow(10, exponent))
        : (digit == 1 ? "" : digit + "×") + "10" + Superscript(exponent);

    private static string Longitude(double value, double step)
    {
        double wrapped = value - 360 * Math.Floor((value + 180) / 360);
        if (wrapped is 0 or -180) return wrapped == 0 ? "0°" : "180°";
        return Plain(Math.Abs(wrapped), step) + (wrapped > 0 ? "°E" : "°W");
    }

    private static string Superscript(int exponent) =>
        string.Concat(exponent.ToString(CultureInfo.InvariantCulture)
            .Select(c => c == '-' ? '\u207B' : "\u2070\u00B9\u00B2\u00B3\u2074\u2075\u2076\u2077\u2078\u2079"[c - '0']));
}

namespace DaML;

/// <summary>The chi-square distribution.</summary>
internal static class ChiSquareDistribution
{
    /// <summary>The probability of a value above one, Q(k / 2, x / 2), by the incomplete gamma function's series or continued fraction.</summary>
    /// <param name="value">x, not below zero.</param>
    /// <param name="degrees">k, above zero.</param>
    public static double UpperTail(double value, double degrees)
    {
        if (!(value >= 0)) return double.NaN;
        double a = degrees / 2, x = value / 2;
        if (x == 0) return 1;
        double front = Math.Exp(a * Math.Log(x) - x - LogGamma(a));
        if (x < a + 1)
        {
            double term = 1 / a, sum = term;
            for (int k = 1; k < 10_000 && term > sum * 1e-17; k++) sum += term *= x / (a + k);
            return 1 - front * sum;
        }
        // Lentz's method for the continued fraction.
        double b = x + 1 - a, c = 1e300, d = 1 / b, fraction = d;
        for (int k = 1; k < 10_000; k++)
        {
            double numerator = -k * (k - a);
            b += 2;
            d = 1 / (numerator * d + b);
            c = b + numerator / c;
            fraction *= c * d;
            if (Math.Abs(c * d - 1) < 1e-15) break;
        }
        return front * fraction;
    }

    // Stirling's series after shifting the argument above ten.
    private static double LogGamma(double a)
    {
        double shift = 0;
        for (; a < 10; a++) shift += Math.Log(a);
        double inverse = 1 / a, square = inverse * inverse;
        double series = inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square * (1.0 / 1680 - square / 1188))));
        return (a - 0.5) * Math.Log(a) - a + 0.5 * Math.Log(2 * Math.PI) + series - shift;
    }
}

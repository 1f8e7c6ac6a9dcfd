using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// Poles and weights of a sum over s of w_s / (x + sigma_s) that equals x^(-1/2) to round-off for all x from 1 to 2^k: the trapezoidal rule
/// along the contour of Hale, Higham and Trefethen (2008, SIAM J. Numer. Anal. 46, 2505-2523, section 4, method 3). With K the complete
/// elliptic integral of parameter m = 1 - 2^-k, t_s = (s - 1/2) K / S and S poles,
/// <code>
/// sigma_s = sc(t_s | m)^2,   w_s = 2 K / (pi S) dn(t_s | m) / cn(t_s | m)^2
/// </code>
/// All are positive. The error falls as exp(-2 pi K(1 - m) S / K), so S grows with k by 4/3 in double precision, from 6 for k = 1.
/// </summary>
internal sealed class InverseRootPoles<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Up to here the poles are numbers of the precision.
    private static readonly int LargestExponent = typeof(T) == typeof(double) ? 900 : 100;

    private static readonly InverseRootPoles<T>?[] Known = new InverseRootPoles<T>?[LargestExponent + 1];

    private InverseRootPoles(T[] shifts, T[] weights) => (Shifts, Weights) = (shifts, weights);

    /// <summary>sigma</summary>
    public T[] Shifts { get; }

    /// <summary>w</summary>
    public T[] Weights { get; }

    /// <summary>The k of sums for x from 1 to 1 + range, from the exponents of 1 + range. Beyond 2^100 in single precision, and 2^900 in
    /// double, a sum is smaller than the inverse root; what is not a number has the shortest.</summary>
    public static Vector512<T> ExponentsOf(Vector512<T> ranges)
    {
        var ends = Vector512.ConditionalSelect(Vector512.Equals(ranges, ranges), ranges, Vector512<T>.Zero) + Vector512<T>.One;
        ends = Vector512.Min(ends, Vector512.Create(T.ScaleB(T.One, LargestExponent - 1)));
        return typeof(T) == typeof(double)
            ? Vector512.ConvertToDouble((ends.AsInt64() >> 52) - Vector512.Create(1022L)).As<double, T>()
            : Vector512.ConvertToSingle((ends.AsInt32() >> 23) - Vector512.Create(126)).As<float, T>();
    }

    /// <summary>The sum for x from 1 to 2^<paramref name="k"/>.</summary>
    public static InverseRootPoles<T> Of(int k) => Volatile.Read(ref Known[k]) ?? Remember(k);

    // Two threads may both compute it, to the same numbers.
    private static InverseRootPoles<T> Remember(int k)
    {
        var poles = Compute(k);
        Volatile.Write(ref Known[k], poles);
        return poles;
    }

    private static InverseRootPoles<T> Compute(int k)
    {
        double complement = Math.ScaleB(1, -k), root = Math.Sqrt(complement);   // 1 - m
        double integral = Math.PI / (2 * Mean(root)), other = Math.PI / (2 * Mean(Math.Sqrt(1 - complement)));
        double epsilon = double.CreateTruncating(T.BitIncrement(T.One) - T.One);
        int count = (int)Math.Ceiling(Math.Log(4 / epsilon) * integral / (2 * Math.PI * other));
        // Jacobi's imaginary transformation: theta functions with the small nome q of parameter 1 - m, whose terms all but vanish.
        double logarithm = -Math.PI * integral / other;
        double Theta(int kind, double v)
        {
            double sum = kind <= 2 ? 0 : 1;
            for (int n = 0; n < 4; n++)
            {
                double sign = kind is 1 or 4 && n % 2 == 1 ? -1 : 1, at = kind <= 2 ? 2 * n + 1 : 2 * (n + 1);
                double power = kind <= 2 ? n * (n + 1.0) : (n + 1.0) * (n + 1);
                if (kind > 2) sign = kind == 4 && n % 2 == 0 ? -1 : 1;
                double up = Math.Exp(power * logarithm + at * v), down = Math.Exp(power * logarithm - at * v);
                sum += sign * (kind == 1 ? up - down : up + down);
            }
            return sum;
        }

        double two = Theta(2, 0), three = Theta(3, 0), four = Theta(4, 0);
        T[] shifts = new T[count], weights = new T[count];
        for (int s = 0; s < count; s++)
        {
            // Beyond K / 2: sc(K - t) = 1 / (sqrt(1 - m) sc(t))
            bool beyond = 2 * s + 1 > count;
            double t = (beyond ? count - s - 0.5 : s + 0.5) / count * integral, v = Math.PI * t / (2 * other);
            double ratio = three / two * Theta(1, v) / Theta(4, v), shift = ratio * ratio;
            double weight = four / three * Theta(3, v) / Theta(4, v) * (four / two) * Theta(2, v) / Theta(4, v);
            if (beyond) (shift, weight) = (1 / (complement * shift), weight / (root * shift));
            shifts[s] = T.CreateTruncating(shift);
            weights[s] = T.CreateTruncating(2 * integral / (Math.PI * count) * weight);
        }
        return new(shifts, weights);
    }

    // The arithmetic-geometric mean of 1 and a number.
    private static double Mean(double number)
    {
        double a = 1, b = number;
        for (int i = 0; i < 40 && Math.Abs(a - b) > 1e-15 * a; i++) (a, b) = ((a + b) / 2, Math.Sqrt(a * b));
        return a;
    }
}

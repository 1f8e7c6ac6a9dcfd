using System.Runtime.CompilerServices;

namespace DaML.Components;

/// <summary>The exponential function and those made of it, for vectors of single-precision numbers.</summary>
internal static class Exponential<S, V> where S : struct, ISimd<V> where V : struct
{
    // 1.5 * 2^23: a sum with it has no bits behind the point, so it is rounded to whole numbers.
    private const float RoundingShift = 12582912;
    private const float Log2 = 1.44269504f;

    /// <summary>e^x for x up to 87; below -87 it is e^-87.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of(V x)
    {
        V z = S.Multiply(S.Max(x, S.Of(-87)), S.Of(Log2));
        V shifted = S.Add(z, S.Of(RoundingShift)), f = S.Subtract(z, S.Subtract(shifted, S.Of(RoundingShift)));
        return S.Scale(S.MultiplyAdd(Slope(f), f, S.Of(1)), shifted);
    }

    /// <summary>1 / (1 + e^-x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid(V x) => S.Divide(S.Of(1), S.Add(S.Of(1), Of(S.Min(S.Subtract(S.Of(0), x), S.Of(87)))));

    /// <summary>tanh x = d / (d + 2) with d = e^(2 x) - 1, accurate for small x too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh(V x)
    {
        V z = S.Multiply(S.Min(S.Max(x, S.Of(-10)), S.Of(10)), S.Of(2 * Log2));
        V shifted = S.Add(z, S.Of(RoundingShift)), f = S.Subtract(z, S.Subtract(shifted, S.Of(RoundingShift)));
        V power = S.Scale(S.Of(1), shifted), d = S.MultiplyAdd(power, S.Multiply(Slope(f), f), S.Subtract(power, S.Of(1)));
        return S.Divide(d, S.Add(d, S.Of(2)));
    }

    // e^x = 2^k 2^f with k whole and |f| <= 1/2; (2^f - 1) / f by the Taylor polynomial of 2^f to sixth degree, accurate to 1.2e-7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Slope(V f)
    {
        V p = S.MultiplyAdd(S.Of(1.54035304e-4f), f, S.Of(1.33335581e-3f));
        p = S.MultiplyAdd(p, f, S.Of(9.61812911e-3f));
        p = S.MultiplyAdd(p, f, S.Of(5.55041087e-2f));
        p = S.MultiplyAdd(p, f, S.Of(0.240226507f));
        return S.MultiplyAdd(p, f, S.Of(0.693147181f));
    }
}

using System.Numerics;

namespace DaML.Components;

/// <summary>
/// The coefficients of ETDRK4 (Cox and Matthews 2002) for an eigenvalue L of the linear part and a step h: e^{hL}, e^{hL/2} and four
/// functions that suffer from cancellation if hL is small. They are computed as means over a circle around hL, as in Kassam and Trefethen
/// (2005).
/// </summary>
/// <param name="Exponential">e^{hL}</param>
/// <param name="HalfExponential">e^{hL/2}</param>
/// <param name="Stage">h (e^{hL/2} - 1) / (hL), for the inner stages</param>
/// <param name="First">Weight of the first slope.</param>
/// <param name="Middle">Half the weight of the second and the third slope.</param>
/// <param name="Last">Weight of the last slope.</param>
internal sealed record ExponentialRungeKutta(double Exponential, double HalfExponential, double Stage, double First, double Middle,
    double Last)
{
    // 32 points on the upper half of a circle of radius 1; those of the lower half are their conjugates. 16 already give double precision.
    private const int Points = 32;

    /// <summary>The coefficients of each eigenvalue.</summary>
    public static ExponentialRungeKutta[] Coefficients(IEnumerable<double> eigenvalues, double h)
    {
        Complex[] circle = [.. Enumerable.Range(0, Points).Select(i => Complex.Exp(Complex.ImaginaryOne * Math.PI * (i + 0.5) / Points))];
        return [.. eigenvalues.Select(eigenvalue =>
        {
            double Mean(Func<Complex, Complex> function) => h * circle.Average(point => function(h * eigenvalue + point).Real);
            return new ExponentialRungeKutta(Math.Exp(h * eigenvalue), Math.Exp(h * eigenvalue / 2),
                Mean(z => (Complex.Exp(z / 2) - 1) / z),
                Mean(z => (-4 - z + Complex.Exp(z) * (4 - 3 * z + z * z)) / (z * z * z)),
                Mean(z => (2 + z + Complex.Exp(z) * (z - 2)) / (z * z * z)),
                Mean(z => (-4 - 3 * z - z * z + Complex.Exp(z) * (4 - z)) / (z * z * z)));
        })];
    }
}

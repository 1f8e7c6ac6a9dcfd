namespace DaML.Components;

/// <summary>The Lyapunov exponents of a model, in falling order.</summary>
/// <param name="Exponents">Rates of growth in the inverse of the model's unit of time.</param>
/// <param name="StandardErrors">The standard error of each exponent.</param>
public sealed record LyapunovSpectrum(IReadOnlyList<double> Exponents, [Saved("errors")] IReadOnlyList<double> StandardErrors)
{
    /// <summary>
    /// The position of the neutral exponent: the exponent closest to zero. An autonomous flow has exactly one, along its own direction.
    /// </summary>
    public int Neutral => Enumerable.Range(0, Exponents.Count).MinBy(i => Math.Abs(Exponents[i]));

    /// <summary>The number of exponents above the neutral one: the dimension of the unstable subspace.</summary>
    public int Positive => Neutral;

    /// <summary>The time in which the smallest errors grow e-fold, the first exponent's inverse.</summary>
    public double Predictability => 1 / Exponents[0];

    /// <summary>The Kaplan-Yorke dimension of the attractor; not a number if too few exponents were computed.</summary>
    public double KaplanYorkeDimension
    {
        get
        {
            double sum = 0;
            for (int i = 0; i < Exponents.Count; i++)
            {
                if (sum + Exponents[i] < 0) return i + sum / -Exponents[i];
                sum += Exponents[i];
            }
            return double.NaN;
        }
    }
}

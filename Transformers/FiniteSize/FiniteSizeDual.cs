namespace DaML.Components;

/// <summary>
/// The dual cost function of the finite-size ensemble Kalman filter (Bocquet et al. 2015, Nonlin. Processes Geophys. 22,
/// 645-662, section 3), a function of one variable, the prior's effective weight zeta:
/// <code>
/// D(zeta) = 1/2 d^T (I + Y^T Y / zeta)^-1 d + epsilon zeta / 2 - nu / 2 ln zeta
///         = 1/2 |d|^2 - 1/2 sum_i g_i^2 / (zeta + lambda_i) + epsilon zeta / 2 - nu / 2 ln zeta
/// </code>
/// with lambda_i the eigenvalues of Y Y^T and g_i the projections of Y d on its eigenvectors (Y, d whitened). Its global
/// minimum in (0, nu / epsilon] gives the filter's inflation, (N - 1) / zeta in variance.
/// </summary>
public static class FiniteSizeDual
{
    internal const int GridPoints = 40;

    /// <summary>D(zeta) up to the constant |d|^2 / 2.</summary>
    /// <param name="zeta">The prior's effective weight zeta, above zero.</param>
    /// <param name="eigenvalues">lambda</param>
    /// <param name="squaredProjections">g^2</param>
    /// <param name="epsilon">The uncertain mean's coefficient, 1 + 1 / N.</param>
    /// <param name="nu">The logarithm's coefficient, N.</param>
    public static double Cost(double zeta, ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections, double epsilon,
        double nu)
    {
        double data = 0;
        for (int i = 0; i < eigenvalues.Length; i++) data += squaredProjections[i] / (zeta + eigenvalues[i]);
        return 0.5 * (epsilon * zeta - nu * Math.Log(zeta) - data);
    }

    /// <summary>
    /// The global minimiser: the best point of a logarithmic grid between bounds that enclose every minimum, then Newton's method in ln
    /// zeta inside a bracket, to round-off.
    /// </summary>
    /// <inheritdoc cref="Cost"/>
    public static double Minimise(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections, double epsilon, double nu)
    {
        var (lower, upper) = Bounds(eigenvalues, squaredProjections, epsilon, nu);
        double step = (upper - lower) / (GridPoints - 1), best = upper,
            least = Cost(nu / epsilon, eigenvalues, squaredProjections, epsilon, nu);
        for (int k = 0; k < GridPoints - 1; k++)
        {
            double cost = Cost(Math.Exp(lower + k * step), eigenvalues, squaredProjections, epsilon, nu);
            if (cost < least) (best, least) = (lower + k * step, cost);
        }
        return Math.Exp(
            Newton(Math.Max(lower, best - step), best, Math.Min(upper, best + step), eigenvalues, squaredProjections, epsilon, nu));
    }

    /// <summary>The logarithms of two weights that enclose every minimum.</summary>
    internal static (double Lower, double Upper) Bounds(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections,
        double epsilon, double nu)
    {
        // D falls with zeta below (nu - sum g^2 / (4 lambda)) / epsilon and below nu / (epsilon + sum g^2 / lambda^2); it rises above nu /
        // epsilon.
        double top = nu / epsilon, quarter = 0, steep = 0;
        for (int i = 0; i < eigenvalues.Length; i++)
        {
            double lambda = Math.Max(eigenvalues[i], 1e-300);
            quarter += squaredProjections[i] / (4 * lambda);
            steep += squaredProjections[i] / lambda / lambda;
        }
        double bottom = Math.Max(top * 1e-12, Math.Max((nu - quarter) / epsilon, nu / (epsilon + steep)));
        return (Math.Log(Math.Min(bottom, top)), Math.Log(top));
    }

    // Finds the zero of dD/d(ln zeta) between two bounds, from a start between them: Newton steps, or halving if a step would leave the
    // bracket.
    private static double Newton(double lower, double u, double upper, ReadOnlySpan<double> eigenvalues,
        ReadOnlySpan<double> squaredProjections, double epsilon, double nu)
    {
        for (int iteration = 0; iteration < 100; iteration++)
        {
            double zeta = Math.Exp(u), slope = epsilon * zeta - nu, curvature = epsilon * zeta;
            for (int i = 0; i < eigenvalues.Length; i++)
            {
                double shifted = zeta + eigenvalues[i], term = squaredProjections[i] * zeta / (shifted * shifted);
                slope += term;
                curvature += term * (eigenvalues[i] - zeta) / shifted;
            }
            if (slope > 0) upper = u;
            else lower = u;
            double next = u - slope / curvature;
            if (!(curvature > 0) || next <= lower || next >= upper) next = 0.5 * (lower + upper);
            if (Math.Abs(next - u) <= 1e-15 * Math.Max(1, Math.Abs(u))) return next;
            u = next;
        }
        return u;
    }
}

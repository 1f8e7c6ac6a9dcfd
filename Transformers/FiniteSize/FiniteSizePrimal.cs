namespace DaML.Components;

/// <summary>
/// The primal cost function of the finite-size ensemble Kalman filter (Bocquet 2011, Nonlin. Processes Geophys. 18, 735-750;
/// Bocquet et al. 2015) over the weights w of the mean's increment, in the eigenbasis of Y Y^T:
/// <code>
/// J(w)  = 1/2 |d - Y^T w|^2 + nu / 2 ln(epsilon + |w|^2)
///       = 1/2 |d|^2 - sum_i g_i w_i + 1/2 sum_i lambda_i w_i^2 + nu / 2 ln(epsilon + |w|^2)
/// J'_i  = (lambda_i + zeta) w_i - g_i                          with zeta = nu / (epsilon + |w|^2)
/// J''   = diag(lambda_i + zeta) - 2 zeta^2 / nu  w w^T
/// </code>
/// with lambda_i the eigenvalues of Y Y^T and g_i the projections of Y d on its eigenvectors, taken as positive: the sign of g_i only
/// determines that of w_i.
/// </summary>
public static class FiniteSizePrimal
{
    /// <summary>J(w) up to the constant |d|^2 / 2.</summary>
    /// <param name="weights">w</param>
    /// <param name="eigenvalues">lambda</param>
    /// <param name="squaredProjections">g^2</param>
    /// <param name="epsilon">The uncertain mean's coefficient.</param>
    /// <param name="nu">The logarithm's coefficient.</param>
    public static double Cost(ReadOnlySpan<double> weights, ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections,
        double epsilon, double nu)
    {
        double cost = 0, norm = epsilon;
        for (int i = 0; i < weights.Length; i++)
        {
            cost += weights[i] * (0.5 * eigenvalues[i] * weights[i] - Math.Sqrt(squaredProjections[i]));
            norm += weights[i] * weights[i];
        }
        return cost + 0.5 * nu * Math.Log(norm);
    }

    /// <summary>
    /// The minimiser: from the best of the Kalman weights w(zeta) of a grid of prior weights, one of which is near the global minimum,
    /// Newton's method to round-off. If a Newton step would not lower the cost, the step goes to the Kalman weights of the current zeta,
    /// which always lower it (the logarithm is concave).
    /// </summary>
    /// <param name="weights">w; overwritten.</param>
    /// <param name="eigenvalues">lambda</param>
    /// <param name="squaredProjections">g^2</param>
    /// <param name="epsilon">The uncertain mean's coefficient.</param>
    /// <param name="nu">The logarithm's coefficient.</param>
    /// <returns>The prior weight zeta at the minimum.</returns>
    public static double Minimise(Span<double> weights, ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections,
        double epsilon, double nu)
    {
        int rank = weights.Length;
        var next = new double[rank];
        var (lower, upper) = FiniteSizeDual.Bounds(eigenvalues, squaredProjections, epsilon, nu);
        double least = double.PositiveInfinity;
        for (int k = 0; k < FiniteSizeDual.GridPoints; k++)
        {
            Kalman(next, Math.Exp(lower + (upper - lower) * k / (FiniteSizeDual.GridPoints - 1)), eigenvalues, squaredProjections);
            double cost = Cost(next, eigenvalues, squaredProjections, epsilon, nu);
            if (!(cost < least)) continue;
            least = cost;
            next.CopyTo(weights);
        }

        for (int iteration = 0; iteration < 200; iteration++)
        {
            double zeta = Zeta(weights, epsilon, nu);
            bool newton = Newton(next, weights, zeta, eigenvalues, squaredProjections, nu);
            double cost = newton ? Cost(next, eigenvalues, squaredProjections, epsilon, nu) : double.PositiveInfinity;
            if (!(cost <= least + 1e-14 * Math.Abs(least)))
            {
                Kalman(next, zeta, eigenvalues, squaredProjections);
                cost = Cost(next, eigenvalues, squaredProjections, epsilon, nu);
            }
            double step = 0, size = 0;
            for (int i = 0; i < rank; i++)
            {
                step = Math.Max(step, Math.Abs(next[i] - weights[i]));
                size = Math.Max(size, Math.Abs(next[i]));
            }
            next.CopyTo(weights);
            least = cost;
            if (!(step > 1e-15 * size)) break;
        }
        return Zeta(weights, epsilon, nu);
    }

    // zeta = nu / (epsilon + |w|^2)
    private static double Zeta(ReadOnlySpan<double> weights, double epsilon, double nu)
    {
        double norm = epsilon;
        foreach (double weight in weights) norm += weight * weight;
        return nu / norm;
    }

    // w_i = g_i / (lambda_i + zeta)
    private static void Kalman(Span<double> weights, double zeta, ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections)
    {
        for (int i = 0; i < weights.Length; i++) weights[i] = Math.Sqrt(squaredProjections[i]) / (eigenvalues[i] + zeta);
    }

    // A diagonal D and a rank-one term: (D - c w w^T)^-1 J' = D^-1 J' + D^-1 w c (w^T D^-1 J') / (1 - c w^T D^-1 w). False if that is not
    // positive definite.
    private static bool Newton(Span<double> next, ReadOnlySpan<double> weights, double zeta, ReadOnlySpan<double> eigenvalues,
        ReadOnlySpan<double> squaredProjections, double nu)
    {
        double c = 2 * zeta * zeta / nu, along = 0, bent = 1;
        for (int i = 0; i < weights.Length; i++)
        {
            double inverse = 1 / (eigenvalues[i] + zeta);
            double gradient = (eigenvalues[i] + zeta) * weights[i] - Math.Sqrt(squaredProjections[i]);
            along += weights[i] * inverse * gradient;
            bent -= c * weights[i] * weights[i] * inverse;
        }
        if (!(bent > 1e-12)) return false;
        for (int i = 0; i < weights.Length; i++)
        {
            double shifted = eigenvalues[i] + zeta, gradient = shifted * weights[i] - Math.Sqrt(squaredProjections[i]);
            next[i] = weights[i] - (gradient + weights[i] * c * along / bent) / shifted;
        }
        return true;
    }
}

namespace DaML.Components;

/// <summary>
/// The variance of the mean of correlated numbers by the Gamma method (Wolff 2004, Comput. Phys. Commun. 156, 143-153): the sum of the
/// autocovariances up to a window that balances truncation against noise. Several independent replicas are combined about their common
/// mean, with the first-order correction for that mean's own error.
/// </summary>
internal static class AutocorrelatedMean
{
    // Wolff's S, which he recommends to be 1 to 2: the assumed decay time is S times that of a single exponential with this integrated
    // autocorrelation time.
    private const double WindowFactor = 1.5;

    /// <summary>The variance of the mean of all numbers together; not a number if there are fewer than two.</summary>
    /// <param name="replicas">Independent series of equally spaced numbers; entries that are not a number are missing.</param>
    public static double Variance(IReadOnlyList<double[]> replicas)
    {
        double sum = 0;
        long total = 0;
        foreach (double[] replica in replicas)
            foreach (double value in replica)
                if (!double.IsNaN(value)) (sum, total) = (sum + value, total + 1);
        if (total < 2) return double.NaN;
        double mean = sum / total, variance = Covariance(replicas, mean, 0);
        if (!(variance > 0)) return variance;    // all equal, or non-finite

        int longest = replicas.Max(replica => replica.Length), window = 0;
        double integrated = 0.5;    // of the correlations, 1/2 + rho_1 + rho_2 + ...
        while (window + 1 < longest / 2)
        {
            window++;
            integrated += Covariance(replicas, mean, window) / variance;
            double tau = integrated <= 0.5 ? 1e-3 : WindowFactor / Math.Log((2 * integrated + 1) / (2 * integrated - 1));
            if (Math.Exp(-window / tau) - tau / Math.Sqrt((double)window * total) < 0) break;
        }
        double corrected = variance * 2 * Math.Max(integrated, 0.5 / total) * (1 + (2.0 * window + 1) / total);
        return corrected / total;
    }

    // The average of products at a distance; zero if there is none.
    private static double Covariance(IReadOnlyList<double[]> replicas, double mean, int lag)
    {
        double sum = 0;
        long count = 0;
        foreach (double[] replica in replicas)
            for (int k = 0; k + lag < replica.Length; k++)
            {
                double product = (replica[k] - mean) * (replica[k + lag] - mean);
                if (!double.IsNaN(product)) (sum, count) = (sum + product, count + 1);
            }
        return count == 0 ? 0 : sum / count;
    }
}

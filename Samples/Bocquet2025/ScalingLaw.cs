namespace DaML.Samples;

/// <summary>A test error that was measured for a number of trajectories and a batch.</summary>
/// <param name="Trajectories">N_r</param>
/// <param name="Batch">S_b</param>
/// <param name="Rmse">The error, finite and above zero.</param>
internal readonly record struct TrainedError(double Trajectories, double Batch, double Rmse);

/// <summary>
/// How the test error depends on the number of trajectories N_r and the batch S_b (Bocquet et al. 2025, eq. A1):
/// <code>RMSE^(1/gamma) = f(z), z = N_r^alpha / S_b^beta, f a polynomial of second order</code>
/// fitted by least squares of the error itself, RMSE - f(z)^gamma: those of RMSE^(1/gamma) would vanish as gamma grows,
/// whatever is fitted. For given exponents the polynomial is a linear problem; the exponents are searched, first on a grid,
/// then by a compass search in their logarithms.
/// </summary>
internal sealed record ScalingLaw
{
    private const int GridPoints = 9, Coefficients = 3, Exponents = 3;
    private const double SmallestStep = 1e-4, FirstStep = 0.5;

    /// <summary>How many numbers the law has: more errors than that are needed.</summary>
    public const int Numbers = Exponents + Coefficients;

    // Where the grid's exponents begin and end: gamma, alpha, and the ratio rho = beta / alpha, which is what the errors settle best.
    private static readonly (double From, double To)[] Ranges = [(0.25, 6), (0.02, 1), (0.05, 3)];

    private readonly double[] polynomial;
    private readonly double middle, scale;

    private ScalingLaw(double gamma, double alpha, double beta, double[] polynomial, double middle, double scale, double residual)
    {
        (Gamma, Alpha, Beta, Residual) = (gamma, alpha, beta, residual);
        (this.polynomial, this.middle, this.scale) = (polynomial, middle, scale);
    }

    /// <summary>The exponent of f.</summary>
    public double Gamma { get; }

    /// <summary>The exponent of N_r.</summary>
    public double Alpha { get; }

    /// <summary>The exponent of S_b.</summary>
    public double Beta { get; }

    /// <summary>The root mean square of what the law leaves of the errors.</summary>
    public double Residual { get; }

    /// <summary>rho = beta / alpha: the error depends on N_r / S_b^rho.</summary>
    public double Ratio => Beta / Alpha;

    /// <summary>z = N_r^alpha / S_b^beta</summary>
    public double Argument(double trajectories, double batch) => Math.Pow(trajectories, Alpha) / Math.Pow(batch, Beta);

    /// <summary>The law's error f(z)^gamma.</summary>
    public double Error(double argument) => Power(polynomial, (argument - middle) / scale, Gamma);

    /// <summary>Fits the law.</summary>
    /// <param name="errors">The measured errors, more than the law has numbers: seven at least.</param>
    /// <exception cref="ArgumentException">Too few errors, one that is not finite or not above zero, or N_r or S_b that do not
    /// vary.</exception>
    public static ScalingLaw Fit(IReadOnlyList<TrainedError> errors)
    {
        if (errors.Count <= Numbers)
            throw new ArgumentException($"A law of {Numbers} numbers needs more errors than that; given: {errors.Count}.", nameof(errors));
        foreach (var error in errors)
            if (!double.IsFinite(error.Rmse) || !(error.Rmse > 0))
                throw new ArgumentException(
                    $"A law of errors needs finite errors above zero; given: {error.Rmse} for {error.Trajectories} trajectories in " +
                        $"batches of {error.Batch}.", nameof(errors));
        if (!Varies(errors))
            throw new ArgumentException("A law of N_r and S_b needs errors for at least two values of each.", nameof(errors));

        double[] best = [.. Ranges.Select(range => 0.5 * Math.Log(range.From * range.To))];
        double smallest = double.PositiveInfinity;
        void Try(double[] logarithms)
        {
            double residual = At(errors, logarithms).Residual;
            if (!(residual < smallest)) return;
            (smallest, best) = (residual, logarithms);
        }

        for (int i = 0; i < GridPoints * GridPoints * GridPoints; i++)
            Try([.. Ranges.Select((range, k) => Math.Log(range.From)
                + Math.Log(range.To / range.From) * (i / (int)Math.Pow(GridPoints, k) % GridPoints) / (GridPoints - 1))]);
        for (double step = FirstStep; step > SmallestStep;)
        {
            double before = smallest;
            double[] center = best;
            for (int k = 0; k < Exponents; k++)
                foreach (double direction in (double[])[step, -step])
                    Try([.. center.Select((value, j) => j == k
                        ? Math.Clamp(value + direction, Math.Log(Ranges[k].From), Math.Log(Ranges[k].To)) : value)]);
            if (!(smallest < before)) step /= 2;
        }
        return At(errors, best);
    }

    /// <summary>
    /// The law fitted again without each error in turn: how far these lie apart tells what the errors settle. Empty where they are too few
    /// for
    /// that; an error without which N_r or S_b would not vary stays in.
    /// </summary>
    /// <param name="errors">The measured errors.</param>
    /// <exception cref="ArgumentException">As for <see cref="Fit"/>.</exception>
    public static IReadOnlyList<ScalingLaw> LeavingOneOut(IReadOnlyList<TrainedError> errors) =>
        errors.Count <= Numbers + 1 ? []
        : [.. errors.Select((_, left) => errors.Where((_, i) => i != left).ToList()).Where(Varies).Select(Fit)];

    private static bool Varies(IReadOnlyList<TrainedError> errors) =>
        errors.Select(error => error.Trajectories).Distinct().Count() > 1 && errors.Select(error => error.Batch).Distinct().Count() > 1;

    // The law with these exponents: the polynomial that is best for them.
    private static ScalingLaw At(IReadOnlyList<TrainedError> errors, double[] logarithms)
    {
        double gamma = Math.Exp(logarithms[0]), alpha = Math.Exp(logarithms[1]), beta = alpha * Math.Exp(logarithms[2]);
        double[] arguments = [.. errors.Select(error => Math.Pow(error.Trajectories, alpha) / Math.Pow(error.Batch, beta))];
        double middle = (arguments.Max() + arguments.Min()) / 2, scale = (arguments.Max() - arguments.Min()) / 2;
        var matrix = new double[Coefficients, Coefficients + 1];
        for (int i = 0; i < errors.Count; i++)
        {
            // d RMSE = weight d root
            double root = Math.Pow(errors[i].Rmse, 1 / gamma), weight = gamma * Math.Pow(root, gamma - 1),
                x = (arguments[i] - middle) / scale;
            double[] row = [1, x, x * x, root];
            for (int a = 0; a < Coefficients; a++)
                for (int b = 0; b <= Coefficients; b++) matrix[a, b] += weight * weight * row[a] * row[b];
        }
        double[] polynomial = Solve(matrix);
        double squares = errors.Select((error, i) => Math.Pow(error.Rmse - Power(polynomial, (arguments[i] - middle) / scale, gamma), 2))
            .Sum();
        return new ScalingLaw(gamma, alpha, beta, polynomial, middle, scale, Math.Sqrt(squares / errors.Count));
    }

    private static double Power(double[] polynomial, double x, double gamma) =>
        Math.Pow(Math.Max(0, polynomial[0] + x * (polynomial[1] + x * polynomial[2])), gamma);

    // Gauss's elimination with pivots; the last column is the right-hand side.
    private static double[] Solve(double[,] matrix)
    {
        int n = matrix.GetLength(0);
        for (int k = 0; k < n; k++)
        {
            int pivot = Enumerable.Range(k, n - k).MaxBy(i => Math.Abs(matrix[i, k]));
            for (int j = 0; j <= n; j++) (matrix[k, j], matrix[pivot, j]) = (matrix[pivot, j], matrix[k, j]);
            for (int i = k + 1; i < n; i++)
            {
                double factor = matrix[i, k] / matrix[k, k];
                for (int j = k; j <= n; j++) matrix[i, j] -= factor * matrix[k, j];
            }
        }
        var solution = new double[n];
        for (int k = n - 1; k >= 0; k--)
            solution[k] = (matrix[k, n] - Enumerable.Range(k + 1, n - k - 1).Sum(j => matrix[k, j] * solution[j])) / matrix[k, k];
        return solution;
    }
}

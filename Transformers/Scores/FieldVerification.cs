using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Settings of a <see cref="FieldVerification"/>, with their defaults.</summary>
public sealed record FieldVerificationOptions
{
    /// <summary>
    /// The area that each grid point represents, <c>[n]</c> (default: null, all equal); zero leaves a point out, so that a region is
    /// verified by itself.
    /// </summary>
    public Tensor? Weights { get; init; }

    /// <summary>Rows and columns of the grid, for structural similarity (default: null, it is not computed).</summary>
    public (int Rows, int Columns)? Grid { get; init; }

    /// <summary>
    /// The range of the fields' values, the scale of structural similarity (default: null, the range of the given truths).
    /// </summary>
    public double? DataRange { get; init; }

    /// <summary>Points on each side of the square windows of structural similarity (default: 7, as published).</summary>
    public int SimilarityWindow { get; init; } = 7;
}

/// <summary>
/// A mean over times, with a standard error that accounts for autocorrelation (Wolff 2004), at least that of as many independent times.
/// </summary>
/// <param name="Value">The mean, or its root.</param>
/// <param name="StandardError">Its standard error; not a number for fewer than two times.</param>
public sealed record VerificationScore(double Value, double StandardError);

/// <summary>
/// The agreement of fields with the truth, over many times: root-mean-square error, mean absolute error, anomaly correlation and
/// structural similarity, each with a standard error that respects autocorrelation. Forecasts of one lead time are verified together,
/// those of another separately.
/// </summary>
public sealed class FieldVerification
{
    private const int TimesAtOnce = 64;

    private FieldVerification(double[] squares, VerificationScore rmse, VerificationScore mae, VerificationScore? correlation,
        VerificationScore? similarity)
    {
        (Squares, RootMeanSquareError, MeanAbsoluteError) = (squares, rmse, mae);
        (AnomalyCorrelation, StructuralSimilarity) = (correlation, similarity);
    }

    /// <summary>The weighted mean square of the error at each time.</summary>
    public IReadOnlyList<double> Squares { get; }

    /// <summary>The root of the mean over times and points of the squared error, in the field's unit.</summary>
    public VerificationScore RootMeanSquareError { get; }

    /// <summary>The mean over times and points of the error's size, in the field's unit.</summary>
    public VerificationScore MeanAbsoluteError { get; }

    /// <summary>The mean over times of the (uncentred) correlation over the points of forecast and true anomalies, -1 to 1 (Jolliffe and
    /// Stephenson 2012, section 6.3); null if a forecast is the climatology itself, for which it is not defined.</summary>
    public VerificationScore? AnomalyCorrelation { get; }

    /// <summary>
    /// The mean over times and windows of the structural similarity, up to 1 (Wang et al. 2004, eq. 13, with flat windows); null if no
    /// grid was given.
    /// </summary>
    public VerificationScore? StructuralSimilarity { get; }

    /// <summary>Verifies fields.</summary>
    /// <param name="fields">Forecasts or analyses, <c>[times, n]</c>, one after another at equal distances.</param>
    /// <param name="truth">The true fields, <c>[times, n]</c>.</param>
    /// <param name="climatology">The reference of the anomalies, <c>[times, n]</c>, or broadcast to it (default: null, both are anomalies
    /// already).</param>
    /// <param name="options">Weights and grid (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">Shapes differ, values are non-finite, weights are below zero or all zero, the grid has another
    /// size, or the window is larger than the grid.</exception>
    public static FieldVerification Of(Tensor fields, Tensor truth, Tensor? climatology = null, FieldVerificationOptions? options = null)
    {
        options ??= new();
        Require.Shape(fields, "The fields to verify", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(truth, "The true fields", fields.Sizes());
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var f = Require.Finite(fields, "The fields to verify").to_type(ScalarType.Float64);
        var t = Require.Finite(truth, "The true fields").to_type(ScalarType.Float64);
        if (climatology is not null && climatology.Sizes() is var given
            && !given.SequenceEqual(f.Sizes()) && !given.SequenceEqual([f.size(1)])
            && !given.SequenceEqual([1, f.size(1)]))
            throw new ArgumentException($"The climatology must have shape {f.DescribeSizes()}, one for each time, or " +
                $"{ColumnDefinition.Describe([f.size(1)])}, one for all; given: {climatology.DescribeSizes()}.",
                nameof(climatology));
        var weights = Weights(options.Weights, f);
        var error = f - t;
        double[] squares = matmul(error.square(), weights).ToArray<double>(), sizes = matmul(error.abs(), weights).ToArray<double>();
        double rmse = Math.Sqrt(squares.Average());
        var squaresScore = Score(squares);
        return new FieldVerification(squares, new(rmse, rmse > 0 ? squaresScore.StandardError / (2 * rmse) : 0), Score(sizes),
            Correlation(f, t, climatology, weights, fields.dtype != ScalarType.Float64),
            options.Grid is { } grid ? Similarity(f, t, grid, options) : null);
    }

    /// <summary>
    /// The difference by which this root-mean-square error is below another's, and its standard error: both are of the same times, so
    /// days that are hard for both cancel.
    /// </summary>
    /// <param name="other">The verification of other fields of the same times.</param>
    /// <exception cref="ArgumentException">The numbers of times differ.</exception>
    public VerificationScore ErrorBelow(FieldVerification other)
    {
        if (other.Squares.Count != Squares.Count)
            throw new ArgumentException($"Two verifications can be compared only over the same times; given: {Squares.Count} and " +
                $"{other.Squares.Count}.", nameof(other));
        double sum = RootMeanSquareError.Value + other.RootMeanSquareError.Value;
        var difference = Score([.. other.Squares.Zip(Squares, (theirs, ours) => theirs - ours)]);
        return sum > 0 ? new(difference.Value / sum, difference.StandardError / sum) : new(0, 0);
    }

    // Not below the error of independent times: a short record shows anticorrelation by chance, which would make differences from noise
    // look certain.
    private static VerificationScore Score(double[] daily)
    {
        double mean = daily.Average(), independent = daily.Sum(value => Square(value - mean)) / daily.Length / daily.Length;
        return new(mean, Math.Sqrt(Math.Max(AutocorrelatedMean.Variance([daily]), independent)));
    }

    private static Tensor Weights(Tensor? given, Tensor fields)
    {
        long n = fields.size(1);
        var weights = given is null ? ones(n, dtype: ScalarType.Float64, device: fields.device)
            : Require.Finite(Require.Shape(given, "The weights", n), "The weights").to(ScalarType.Float64, fields.device);
        double sum = weights.sum().ToDouble();
        if (weights.min().ToDouble() < 0 || !(sum > 0))
            throw new ArgumentException("The weights must not be below zero, and not all zero.", nameof(given));
        return weights / sum;
    }

    private static VerificationScore? Correlation(Tensor f, Tensor t, Tensor? climatology, Tensor weights, bool single)
    {
        var (a, b) = climatology is null ? (f, t) : (f - climatology, t - climatology);
        double[] products = matmul(a * b, weights).ToArray<double>();
        double[] forecast = matmul(a.square(), weights).ToArray<double>(), observed = matmul(b.square(), weights).ToArray<double>();
        // Anomalies of a forecast at the level of its rounding count as none.
        double rounding = f.square().mean().ToDouble() * (single ? 1e-12 : 1e-24);
        if (forecast.Any(square => square <= rounding)) return null;
        double[] daily = [.. products.Select((product, i) => product / Math.Sqrt(forecast[i] * observed[i]))];
        return daily.All(double.IsFinite) ? Score(daily) : null;
    }

    // Wang, Bovik, Sheikh and Simoncelli 2004, IEEE Trans. Image Process. 13, 600-612, eq. 13: K1 = 0.01, K2 = 0.03.
    private static VerificationScore Similarity(Tensor f, Tensor t, (int Rows, int Columns) grid, FieldVerificationOptions options)
    {
        var (rows, columns) = grid;
        int size = options.SimilarityWindow;
        if ((long)rows * columns != f.size(1))
            throw new ArgumentException($"A grid of {rows} x {columns} points does not hold fields of {f.size(1)}.", nameof(grid));
        if (size < 2 || size > Math.Min(rows, columns))
            throw new ArgumentException($"Windows of {size} x {size} points must fit into the grid of {rows} x {columns}, " +
                "and have 2 points or more on a side.", nameof(options));
        double range = options.DataRange ?? (t.max() - t.min()).ToDouble(), c1 = Square(0.01 * range), c2 = Square(0.03 * range);
        // Sums of squares of numbers near a large mean lose digits, so both are taken about the mean of the truths; only the
        // luminance needs the mean itself.
        double centre = t.mean().ToDouble(), unbiased = (double)size * size / (size * size - 1);
        var daily = new List<double>();
        for (long first = 0; first < f.size(0); first += TimesAtOnce)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(TimesAtOnce, f.size(0) - first);
            var x = (f.narrow(0, first, count) - centre).reshape(-1, rows, columns);
            var y = (t.narrow(0, first, count) - centre).reshape(-1, rows, columns);
            var (mx, my) = (Mean(x), Mean(y));
            var (vx, vy) = (unbiased * (Mean(x.square()) - mx.square()), unbiased * (Mean(y.square()) - my.square()));
            var vxy = unbiased * (Mean(x * y) - mx * my);
            var (ax, ay) = (mx + centre, my + centre);
            var similarity = (2 * ax * ay + c1) * (2 * vxy + c2) / ((ax.square() + ay.square() + c1) * (vx + vy + c2));
            daily.AddRange(similarity.mean([1, 2]).ToArray<double>());
        }
        return Score([.. daily]);

        Tensor Mean(Tensor field) => field.unfold(1, size, 1).unfold(2, size, 1).mean([3, 4]);
    }

    private static double Square(double value) => value * value;
}

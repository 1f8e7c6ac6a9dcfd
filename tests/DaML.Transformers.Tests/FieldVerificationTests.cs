using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Scores of fields against the same sums written as loops.</summary>
public sealed class FieldVerificationTests
{
    private const int Times = 90, Rows = 9, Columns = 11;

    private readonly Tensor truth, fields, climatology, weights;

    public FieldVerificationTests()
    {
        using var random = new RandomStream(3, "fields", CPU);
        climatology = 1000 + random.Normal([Times, Rows * Columns], ScalarType.Float64);
        truth = climatology + 8 * random.Normal([Times, Rows * Columns], ScalarType.Float64);
        fields = climatology + 0.7 * (truth - climatology) + 3 * random.Normal([Times, Rows * Columns], ScalarType.Float64);
        weights = random.Uniform([Rows * Columns], ScalarType.Float64) + 0.5;
    }

    [Fact]
    public void Errors_and_correlations_are_the_sums_that_define_them()
    {
        var found = FieldVerification.Of(fields, truth, climatology, new() { Weights = weights });
        var (f, t, c, w) = (Array(fields), Array(truth), Array(climatology), weights.ToArray<double>());
        double squares = 0, sizes = 0, correlation = 0;
        for (int k = 0; k < Times; k++)
        {
            double square = 0, size = 0, product = 0, ours = 0, theirs = 0;
            for (int i = 0; i < w.Length; i++)
            {
                double error = f[k, i] - t[k, i], a = f[k, i] - c[k, i], b = t[k, i] - c[k, i];
                square += w[i] * error * error;
                size += w[i] * Math.Abs(error);
                (product, ours, theirs) = (product + w[i] * a * b, ours + w[i] * a * a, theirs + w[i] * b * b);
            }
            Assert.Equal(square / w.Sum(), found.Squares[k], 1e-10);
            (squares, sizes) = (squares + square / w.Sum(), sizes + size / w.Sum());
            correlation += product / Math.Sqrt(ours * theirs);
        }
        Assert.Equal(Math.Sqrt(squares / Times), found.RootMeanSquareError.Value, 1e-12);
        Assert.Equal(sizes / Times, found.MeanAbsoluteError.Value, 1e-12);
        Assert.Equal(correlation / Times, found.AnomalyCorrelation!.Value, 1e-12);
        Assert.Null(found.StructuralSimilarity);
    }

    [Fact]
    public void Structural_similarity_is_the_published_formula_in_every_window()
    {
        const int Size = 5;
        const double Range = 60;
        var found = FieldVerification.Of(fields, truth,
            options: new() { Grid = (Rows, Columns), SimilarityWindow = Size, DataRange = Range });
        var (f, t) = (Array(fields), Array(truth));
        double sum = 0, c1 = 0.01 * Range * 0.01 * Range, c2 = 0.03 * Range * 0.03 * Range;
        int windows = 0;
        for (int k = 0; k < Times; k++)
            for (int row = 0; row + Size <= Rows; row++)
                for (int column = 0; column + Size <= Columns; column++, windows++)
                {
                    int[] inside =
                    [
                        .. from i in Enumerable.Range(row, Size)
                           from j in Enumerable.Range(column, Size)
                           select i * Columns + j
                    ];
                    double mx = inside.Average(i => f[k, i]), my = inside.Average(i => t[k, i]), less = inside.Length - 1;
                    double vx = inside.Sum(i => Math.Pow(f[k, i] - mx, 2)) / less, vy = inside.Sum(i => Math.Pow(t[k, i] - my, 2)) / less;
                    double vxy = inside.Sum(i => (f[k, i] - mx) * (t[k, i] - my)) / less;
                    sum += (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
                }
        Assert.Equal(sum / windows, found.StructuralSimilarity!.Value, 1e-9);
        Assert.Equal(1, FieldVerification.Of(truth, truth, options: new() { Grid = (Rows, Columns) }).StructuralSimilarity!.Value, 1e-12);
    }

    [Fact]
    public void A_region_is_what_its_weights_leave()
    {
        var inside = (arange(Rows * Columns) < 20).to_type(ScalarType.Float64);
        Assert.Equal(FieldVerification.Of(fields[.., ..20], truth[.., ..20]).RootMeanSquareError.Value,
            FieldVerification.Of(fields, truth, options: new() { Weights = inside }).RootMeanSquareError.Value, 1e-12);
    }

    [Fact]
    public void Differences_of_errors_know_what_both_share()
    {
        // Both are worse by the same lot on some days; one of them is a little worse throughout.
        using var random = new RandomStream(4, "days", CPU);
        var hard = 30 * random.Normal([Times, 1], ScalarType.Float64);
        FieldVerification one = FieldVerification.Of(truth + hard, truth), other = FieldVerification.Of(truth + 1.02 * hard, truth);
        var below = one.ErrorBelow(other);
        Assert.Equal(other.RootMeanSquareError.Value - one.RootMeanSquareError.Value, below.Value, 1e-10);
        Assert.True(below.StandardError < 0.1 * one.RootMeanSquareError.StandardError);
        Assert.Equal(-below.Value, other.ErrorBelow(one).Value, 1e-12);
        Assert.Equal(new VerificationScore(0, 0), one.ErrorBelow(one));
    }

    [Fact]
    public void Standard_errors_grow_with_autocorrelation()
    {
        // Squares of errors that last ten days each: as many independent ones as a tenth of the days.
        using var random = new RandomStream(5, "errors", CPU);
        var independent = random.Normal([2000, 1], ScalarType.Float64);
        var lasting = random.Normal([200, 1], ScalarType.Float64).repeat_interleave(10, 0);
        double Deviation(Tensor error) => FieldVerification.Of(error, zeros_like(error)).RootMeanSquareError.StandardError;
        Assert.InRange(Deviation(lasting) / Deviation(independent), 2, 5);   // the root of ten
        // Of independent normal errors the mean square has the variance 2 / days, and its root half the deviation of that.
        Assert.InRange(Deviation(independent) / Math.Sqrt(0.5 / 2000), 0.8, 1.25);
    }

    [Fact]
    public void A_chance_anticorrelation_does_not_make_differences_of_nothing_certain()
    {
        // Squares that go up and down about their mean: the Gamma method alone would leave next to no error.
        var error = tensor(Enumerable.Range(0, 200).Select(day => Math.Sqrt(day % 2 == 0 ? 1.5 : 0.5)).ToArray()).unsqueeze(1);
        var score = FieldVerification.Of(error, zeros_like(error)).RootMeanSquareError;
        Assert.Equal(1, score.Value, 12);
        Assert.Equal(0.5 / Math.Sqrt(200) / 2, score.StandardError, 12);
    }

    [Fact]
    public void A_forecast_of_the_climatology_itself_has_no_correlation_whatever_rounding_leaves()
    {
        Assert.Null(FieldVerification.Of(climatology, truth, climatology).AnomalyCorrelation);
        Assert.Null(FieldVerification.Of(climatology - 3.7 + 3.7, truth, climatology).AnomalyCorrelation);
        var single = (climatology - 3.7).to_type(ScalarType.Float32) + 3.7f;
        Assert.Null(FieldVerification.Of(single, truth, climatology).AnomalyCorrelation);
        Assert.NotNull(FieldVerification.Of(climatology + 1e-6 * truth, truth, climatology).AnomalyCorrelation);
    }

    [Fact]
    public void Bad_input_is_refused_with_what_was_given()
    {
        Assert.Contains("true fields", Assert.Throws<ArgumentException>(() => FieldVerification.Of(fields, truth[.., ..20])).Message);
        var lost = fields.clone();
        lost[3, 4] = double.NaN;
        Assert.Contains("fields to verify", Assert.Throws<ArgumentException>(() => FieldVerification.Of(lost, truth)).Message);
        Refused("not all zero", new() { Weights = zeros_like(weights) });
        Refused("not be below zero", new() { Weights = weights - 1 });
        Refused("10 x 11", new() { Grid = (10, 11) });
        Refused("12 x 12", new() { Grid = (Rows, Columns), SimilarityWindow = 12 });
        Assert.Contains("The climatology must have shape",
            Assert.Throws<ArgumentException>(() => FieldVerification.Of(fields, truth, climatology[..40])).Message);
        var verified = FieldVerification.Of(fields, truth);
        Assert.Contains("90 and 40",
            Assert.Throws<ArgumentException>(() => verified.ErrorBelow(FieldVerification.Of(fields[..40], truth[..40]))).Message);

        void Refused(string expected, FieldVerificationOptions options) => Assert.Contains(expected,
            Assert.Throws<ArgumentException>(() => FieldVerification.Of(fields, truth, options: options)).Message);
    }

    private static double[,] Array(Tensor values)
    {
        var rows = new double[values.size(0), values.size(1)];
        double[] all = values.contiguous().ToArray<double>();
        Buffer.BlockCopy(all, 0, rows, 0, all.Length * sizeof(double));
        return rows;
    }
}

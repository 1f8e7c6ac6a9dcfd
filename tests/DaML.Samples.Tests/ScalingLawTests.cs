using DaML.Samples;

namespace DaML.Tests;

/// <summary>The law of the test error over data and batch, where it is known.</summary>
public sealed class ScalingLawTests
{
    private static readonly double[] Counts = [1024, 4096, 16384, 65536, 262144], Batches = [8, 16, 32, 64, 128, 256];

    // A parabola that falls over all z of these counts and batches.
    private static List<TrainedError> Errors(double gamma, double alpha, double beta, Func<int, double> noise)
    {
        double Z(double count, double batch) => Math.Pow(count, alpha) / Math.Pow(batch, beta);
        double low = Z(Counts[0], Batches[^1]), high = Z(Counts[^1], Batches[0]);
        var errors = new List<TrainedError>();
        foreach (double count in Counts)
            foreach (double batch in Batches)
            {
                double share = (Z(count, batch) - low) / (high - low);
                errors.Add(new(count, batch, Math.Pow(0.42 - 0.22 * share + 0.1 * share * share, gamma) + noise(errors.Count)));
            }
        return errors;
    }

    [Theory]
    [InlineData(1.435, 0.103, 0.060)]
    [InlineData(0.8, 0.3, 0.3)]
    public void AnExactLawIsFound(double gamma, double alpha, double beta)
    {
        var errors = Errors(gamma, alpha, beta, _ => 0);
        var law = ScalingLaw.Fit(errors);
        Assert.InRange(law.Residual, 0, 2e-5);
        Assert.Equal(beta / alpha, law.Ratio, 0.02);
        foreach (var error in errors) Assert.Equal(error.Rmse, law.Error(law.Argument(error.Trajectories, error.Batch)), 1e-4);
    }

    [Fact]
    public void UnderNoiseTheRatioOfTheExponentsIsStillFound()
    {
        var random = new Random(5);
        var law = ScalingLaw.Fit(Errors(1.435, 0.103, 0.060, _ => 0.002 * (random.NextDouble() - 0.5)));
        Assert.InRange(law.Residual, 1e-4, 1e-3);
        Assert.Equal(0.060 / 0.103, law.Ratio, 0.1);
    }

    [Fact]
    public void WhatTheErrorsDoNotSettleComesOutDifferentlyWhenOneIsLeftOut()
    {
        double Width(Func<ScalingLaw, double> number, IReadOnlyList<TrainedError> errors)
        {
            var laws = ScalingLaw.LeavingOneOut(errors);
            Assert.Equal(errors.Count, laws.Count);
            return laws.Max(number) - laws.Min(number);
        }

        var random = new Random(6);
        var noisy = Errors(1.435, 0.103, 0.060, _ => 0.002 * (random.NextDouble() - 0.5));
        Assert.InRange(Width(law => law.Ratio, Errors(1.435, 0.103, 0.060, _ => 0)), 0, 0.05);
        Assert.InRange(Width(law => law.Ratio, noisy), 0, 0.2);
        Assert.True(Width(law => law.Gamma, noisy) > 1);    // gamma and alpha trade against each other

        Assert.Empty(ScalingLaw.LeavingOneOut(noisy[..7]));
        // the only one with another N_r cannot be spared
        Assert.Equal(7, ScalingLaw.LeavingOneOut([.. noisy[..6], noisy[0], noisy[^1]]).Count);
    }

    [Fact]
    public void WhatCannotBeFittedIsRefused()
    {
        var errors = Errors(1, 0.1, 0.1, _ => 0);
        Assert.Contains("given: 6", Assert.Throws<ArgumentException>(() => ScalingLaw.Fit(errors[..6])).Message);
        Assert.Contains("NaN", Assert.Throws<ArgumentException>(() => ScalingLaw.Fit([.. errors, new(1024, 8, double.NaN)])).Message);
        Assert.Contains("above zero", Assert.Throws<ArgumentException>(() => ScalingLaw.Fit([.. errors, new(1024, 8, 0)])).Message);
        Assert.Contains("two values of each",
            Assert.Throws<ArgumentException>(() =>
                ScalingLaw.Fit([.. Enumerable.Range(0, 9).Select(i => new TrainedError(1024 << i, 8, 0.3))])).Message);
    }

    [Fact]
    public void TheSlopeOfALinearAnalysisIsOne()
    {
        double[] scales = [0.5, 1, 2, 4, 8];
        var figures = new Dictionary<string, double[]> { ["scaling.lambda"] = scales, ["scaling.r"] = scales };
        Assert.Equal(1, IncrementDiagnostics.Slope(figures, 1, 8), 1e-12);
        figures["scaling.r"] = [.. scales.Select(scale => scale * scale)];
        Assert.Equal(2, IncrementDiagnostics.Slope(figures, 1, 8), 1e-12);
    }

    [Fact]
    public void APointOfASweepIsFiniteOrLost()
    {
        Assert.Null(new SweepPoint(0.8, "EnKF-N", null).Rmse);
        Assert.Contains("EnKF-N at 0.8", Assert.Throws<ArgumentException>(() => new SweepPoint(0.8, "EnKF-N", double.NaN)).Message);
        Assert.Throws<ArgumentException>(() => new SweepPoint(double.PositiveInfinity, "EnKF-N", 1));
    }
}

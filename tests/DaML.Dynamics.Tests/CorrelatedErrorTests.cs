using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Diffusion, blocks and hybrids against their dense forms.</summary>
public sealed class CorrelatedErrorTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    private static readonly DiffusionBoundary[] Boundaries = Enum.GetValues<DiffusionBoundary>();

    public static TheoryData<DiffusionBoundary, DiffusionBoundary> Pairs => [.. Boundaries.SelectMany(x => Boundaries.Select(y => (x, y)))];

    // Minus the second difference, written down point by point.
    private static Tensor SecondDifference(int points, DiffusionBoundary boundary)
    {
        var matrix = zeros(points, points, dtype: ScalarType.Float64);
        for (int i = 0; i < points; i++)
            foreach (int next in (int[])[i - 1, i + 1])
            {
                bool inside = next >= 0 && next < points;
                if (!inside && boundary == DiffusionBoundary.Mirror) continue;
                matrix[i, i] += 1;
                if (inside) matrix[i, next] -= 1;
                else if (boundary == DiffusionBoundary.Periodic) matrix[i, (next + points) % points] -= 1;
            }
        return matrix;
    }

    private static Tensor Dense(DiffusionOptions o)
    {
        var operators = eye((long)o.Rows * o.Columns, dtype: ScalarType.Float64)
            + o.CorrelationLength * o.CorrelationLength / (2 * o.Steps - 4) *
            (kron(eye(o.Rows, dtype: ScalarType.Float64), SecondDifference(o.Columns, o.BoundaryX)) / (o.SpacingX * o.SpacingX) +
             kron(SecondDifference(o.Rows, o.BoundaryY), eye(o.Columns, dtype: ScalarType.Float64)) / (o.SpacingY * o.SpacingY));
        var correlation = eye((long)o.Rows * o.Columns, dtype: ScalarType.Float64);
        for (int step = 0; step < o.Steps; step++) correlation = linalg.solve(operators, correlation);
        var deviations = (o.Variance / correlation.diagonal()).sqrt();
        return deviations.unsqueeze(-1) * correlation * deviations;
    }

    [Theory, MemberData(nameof(Pairs))]
    public void Diffusion_is_its_dense_form(DiffusionBoundary x, DiffusionBoundary y)
    {
        foreach (var (columns, rows, steps) in ((int, int, int)[])[(6, 5, 3), (5, 4, 4), (2, 7, 6)])
        {
            var options = new DiffusionOptions
            {
                Columns = columns, Rows = rows, SpacingX = 1.5, SpacingY = 2, BoundaryX = x, BoundaryY = y, CorrelationLength = 2.5,
                    Steps = steps, Variance = 3,
            };
            var covariance = ErrorCovariance.Diffusion(options);
            var b = covariance.ToMatrix(ScalarType.Float64, CPU);
            Numbers.Close(Dense(options), b, 1e-12);
            Numbers.Close(full_like(b.diagonal(), 3), b.diagonal(), 1e-13);
            Assert.True(linalg.eigvalsh(b).min().ToDouble() > 0);
            var unit = eye(covariance.Dimension, dtype: ScalarType.Float64);
            Numbers.Close(unit, covariance.ApplyInverse(b), 1e-10);
            Numbers.Close(unit, covariance.Whiten(covariance.Colour(unit)), 1e-10);
            Numbers.Close(b, covariance.Colour(covariance.ColourAdjoint(unit)), 1e-13);
            var smoother = covariance.Smooth(unit);
            Numbers.Close(smoother.mT, smoother, 1e-14);
            Assert.True(linalg.eigvalsh(smoother).min().ToDouble() > 0);
            // Far from a wall and next to it, the same variance: B = N C C N.
            var n = smoother.matmul(smoother).diagonal().rsqrt() * Math.Sqrt(3);
            Numbers.Close(b, n.unsqueeze(-1) * smoother.matmul(smoother) * n, 1e-12);
        }
    }

    // K_nu(x) = integral over t >= 0 of exp(-x cosh t) cosh(nu t)
    private static double Matern(double nu, double x)
    {
        double sum = 0;
        const double step = 1e-3;
        for (int i = 0; i < 12000; i++) sum += (i == 0 ? 0.5 : 1) * step * Math.Exp(-x * Math.Cosh(i * step)) * Math.Cosh(nu * i * step);
        return Math.Pow(2, 1 - nu) / Math.Exp(LogGamma(nu)) * Math.Pow(x, nu) * sum;
    }

    private static double LogGamma(double nu) => nu == Math.Floor(nu) ? Enumerable.Range(1, (int)nu - 1).Sum(k => Math.Log(k))
        : 0.5 * Math.Log(Math.PI) + Enumerable.Range(1, (int)(nu - 0.5)).Sum(k => Math.Log(k - 0.5));

    [Theory]
    [InlineData(1, 3)]
    [InlineData(1, 5)]
    [InlineData(2, 3)]
    [InlineData(2, 4)]
    public void The_correlation_is_Materns_with_the_length_asked_for(int directions, int steps)
    {
        const double length = 8;
        int rows = directions == 1 ? 1 : 128;
        var covariance = ErrorCovariance.Diffusion(new()
        {
            Columns = 128, Rows = rows, BoundaryX = DiffusionBoundary.Periodic, BoundaryY = DiffusionBoundary.Periodic,
                CorrelationLength = length, Steps = steps,
        });
        var impulse = zeros(covariance.Dimension, dtype: ScalarType.Float64);
        impulse[0] = 1;
        double[] c = [.. covariance.Colour(covariance.ColourAdjoint(impulse)).narrow(0, 0, 40).data<double>()];
        double nu = steps - directions / 2.0, scale = length / Math.Sqrt(2 * nu - 2);
        Assert.Equal(1, c[0], 1e-12);
        for (int r = 1; r < 40; r++) Assert.Equal(Matern(nu, r / scale), c[r], 0.01);
        // The Daley length, by the second difference at the origin.
        Assert.Equal(length, 1 / Math.Sqrt(2 * (1 - c[1])), 0.03 * length);
    }

    [Fact]
    public void Shallow_water_errors_have_the_fields_of_the_C_grid()
    {
        foreach (bool periodic in (bool[])[false, true])
        {
            var model = new ShallowWater(new() { CellsX = 6, CellsY = 5, LengthX = 6e5, LengthY = 5e5, PeriodicX = periodic });
            var plain = model.UncorrelatedErrors(4, 0.01).ToMatrix(ScalarType.Float64, CPU);
            var units = model.State(full([5, 6], 4.0, dtype: ScalarType.Float64), full([5, periodic ? 6 : 5], 0.01,
                dtype: ScalarType.Float64), full([4, 6], 0.01, dtype: ScalarType.Float64));
            Numbers.Close(units.diag(), plain, 1e-15);
            var correlated = model.CorrelatedErrors(4, 0.01, 2e5);
            Assert.Equal(model.Dimension, correlated.Dimension);
            var b = correlated.ToMatrix(ScalarType.Float64, CPU);
            Numbers.Close(units, b.diagonal(), 1e-13);
            var options = new DiffusionOptions { Columns = 6, Rows = 5, SpacingX = 1e5, SpacingY = 1e5, CorrelationLength = 2e5,
                Variance = 4 };
            if (periodic) options = options with { BoundaryX = DiffusionBoundary.Periodic };
            Numbers.Close(Dense(options), b.narrow(0, 0, 30).narrow(1, 0, 30), 1e-12);
            var u = options with { Variance = 0.01, Columns = periodic ? 6 : 5, BoundaryX = periodic ? DiffusionBoundary.Periodic
                : DiffusionBoundary.Zero };
            Numbers.Close(100 * Dense(u), 100 * b.narrow(0, 30, 5 * u.Columns).narrow(1, 30, 5 * u.Columns), 1e-12);
            var v = options with { Variance = 0.01, Rows = 4, BoundaryY = DiffusionBoundary.Zero };
            Numbers.Close(100 * Dense(v), 100 * b.narrow(0, b.shape[0] - 24, 24).narrow(1, b.shape[0] - 24, 24), 1e-12);
            Assert.Equal(0, b.narrow(0, 0, 30).narrow(1, 30, b.shape[0] - 30).abs().max().ToDouble()); // the fields are independent
        }
    }

    [Fact]
    public void A_hybrid_is_the_weighted_sum()
    {
        var background = ErrorCovariance.Full(Numbers.Spd(1, 6));
        foreach (long members in (long[])[2, 4, 20])
        {
            var ensemble = 3 + 2 * Numbers.Normal(2, members, 6);
            var hybrid = ErrorCovariance.Hybrid(ensemble, background, 0.6);
            var expected = 0.4 * background.Matrix + 0.6 * ensemble.mT.cov();
            Numbers.Close(expected, hybrid.ToMatrix(ScalarType.Float64, CPU), 1e-13);
            Numbers.Close(eye(6, dtype: ScalarType.Float64), hybrid.ApplyInverse(expected), 1e-11);
            Assert.Equal(linalg.slogdet(expected).Item2.ToDouble(), hybrid.LogDeterminant, 1e-11);
        }
    }

    [Fact]
    public void What_is_no_covariance_is_refused()
    {
        var good = new DiffusionOptions { Columns = 4, Rows = 3, CorrelationLength = 2 };
        foreach (var (word, bad) in ((string, DiffusionOptions)[])[
            ("Columns", good with { Columns = 0 }), ("Rows", good with { Rows = 0 }), ("SpacingX", good with { SpacingX = -1 }),
                ("SpacingY", good with { SpacingY = double.NaN }),
            ("CorrelationLength", good with { CorrelationLength = 0 }), ("Variance", good with { Variance = -1 }),
                ("Steps", good with { Steps = 2 }), ("Steps", good with { Steps = 31 }),
            ("BoundaryX", good with { BoundaryX = (DiffusionBoundary)7 })])
            Assert.Contains(word, Assert.ThrowsAny<ArgumentException>(() => ErrorCovariance.Diffusion(bad)).Message);
        Assert.Contains("given: 0", Assert.Throws<ArgumentException>(() => ErrorCovariance.Blocks()).Message);
        var background = ErrorCovariance.Scalar(3, 1);
        foreach (double weight in (double[])[0, 1.5, double.NaN])
            Assert.Contains("weight", Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Hybrid(Numbers.Normal(1, 4, 3),
                background, weight)).Message);
        Assert.Contains("[4, 2]", Assert.Throws<ArgumentException>(() => ErrorCovariance.Hybrid(Numbers.Normal(1, 4, 2), background,
            0.5)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => ErrorCovariance.Hybrid(Numbers.Normal(1, 1, 3), background, 0.5));
        Assert.Throws<ArgumentException>(() => ErrorCovariance.Hybrid(Numbers.Normal(1, 4, 3) / 0, background, 0.5));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class SymmetricEigenproblemTests
{
    private static Tensor Identity(long m, ScalarType dtype) => eye(m, dtype: dtype);

    /// <summary>Residual and orthogonality relative to the norm, order, and the eigenvalues of LAPACK.</summary>
    private static void Check(Tensor matrix, double tolerance)
    {
        var (values, vectors) = SymmetricEigenproblem.Solve(matrix);
        Assert.Equal(matrix.shape, vectors.shape);
        double norm = Math.Max(matrix.abs().max().ToDouble(), 1e-300) * Math.Sqrt(matrix.shape[^1]);
        Assert.InRange((vectors.mT.matmul(vectors) - Identity(matrix.shape[^1], matrix.dtype)).abs().max().ToDouble(), 0, tolerance);
        Assert.InRange((matrix.matmul(vectors) - vectors * values.unsqueeze(-2)).abs().max().ToDouble() / norm, 0, tolerance);
        Assert.InRange((values - linalg.eigvalsh(matrix)).abs().max().ToDouble() / norm, 0, tolerance);
        if (matrix.shape[^1] > 1) Assert.True(values.diff().min().ToDouble() >= 0);
    }

    private static Tensor WithSpectrum(Tensor spectrum, RandomStream random)
    {
        long m = spectrum.shape[0];
        var q = linalg.qr(random.Normal([m, m], ScalarType.Float64)).Q;
        var a = (q * spectrum).matmul(q.mT);
        return 0.5 * (a + a.mT);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(67)]
    [InlineData(128)]
    public void Random_graded_repeated_and_deficient_spectra(int m)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(m, "eigenproblem", CPU);
        var noise = random.Normal([3, m, m], ScalarType.Float64);
        Check(noise + noise.mT, 1e-13);
        Check((noise + noise.mT).to(ScalarType.Float32), 4e-6);
        Check(WithSpectrum(logspace(-14, 3, m, dtype: ScalarType.Float64), random), 1e-13);
        Check(WithSpectrum(ones(m, dtype: ScalarType.Float64), random), 1e-13);
        Check(WithSpectrum((arange(m) % 3).to(ScalarType.Float64), random), 1e-13);
        var thin = random.Normal([m, Math.Max(1, m / 2)], ScalarType.Float64);
        Check(thin.matmul(thin.mT), 1e-13);
        // Graded along the diagonal, both ways.
        var grades = logspace(0, -12, m, dtype: ScalarType.Float64);
        Check(grades.unsqueeze(1) * (noise[0] + noise[0].mT) * grades, 1e-13);
        Check(grades.flip(0).unsqueeze(1) * (noise[0] + noise[0].mT) * grades.flip(0), 1e-13);
        // What needs no work, and what ties.
        Check(zeros(m, m, dtype: ScalarType.Float64), 1e-15);
        Check(Identity(m, ScalarType.Float64), 1e-15);
        Check(random.Normal([m], ScalarType.Float64).diag(), 1e-13);
        Check(ones(m, m, dtype: ScalarType.Float64), 1e-13);
        Check(1e10f * ones(m, m, dtype: ScalarType.Float32), 1e-5);
        var large = random.Normal([m, 1], ScalarType.Float32);
        Check(1e12f * large.matmul(large.mT), 1e-5);
        if (m > 1)
        {
            var off = ones(m - 1, dtype: ScalarType.Float64);
            Check(off.diag(1) + off.diag(-1), 1e-13);
            // Wilkinson's: pairs that nearly agree
            Check(off.diag(1) + off.diag(-1) + arange(m, dtype: ScalarType.Float64).sub(m / 2).abs().diag(), 1e-13);
        }
        // Sizes whose squares would overflow or vanish.
        foreach (double scale in new[] { 1e-300, 1e-160, 1e160, 1e300 }) Check(scale * (noise + noise.mT), 1e-13);
    }

    [Fact]
    public void Only_the_lower_triangle_is_read_and_views_are_taken()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(1, "eigenproblem", CPU);
        var a = random.Normal([2, 5, 5], ScalarType.Float64);
        var symmetric = a.tril() + a.tril(-1).mT;
        var (values, vectors) = SymmetricEigenproblem.Solve(a);
        Compare.Close(linalg.eigvalsh(symmetric), values, 1e-14);
        Compare.Close(symmetric, (vectors * values.unsqueeze(-2)).matmul(vectors.mT), 1e-14);
        Compare.Close(values[1], SymmetricEigenproblem.Solve(a.unsqueeze(1).expand(2, 3, 5, 5)[1, 2]).Values, 1e-300);
        Assert.Equal([0, 4], SymmetricEigenproblem.Solve(zeros(0, 4, 4, dtype: ScalarType.Float64)).Values.shape);
        Assert.Throws<ArgumentException>(() => SymmetricEigenproblem.Solve(zeros(3, 4, dtype: ScalarType.Float64)));
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_same_to_the_bit_whatever_the_number_of_threads_and_the_place_in_a_batch()
        {
            using var scope = NewDisposeScope();
            using var random = new RandomStream(2, "eigenproblem", CPU);
            var noise = random.Normal([64, 40, 40], ScalarType.Float64);
            var a = noise.matmul(noise.mT);
            var (values, vectors) = SymmetricEigenproblem.Solve(a);
            foreach (int other in new[] { 1, 3 })
            {
                var again = ThreadCounts.With(other, () => SymmetricEigenproblem.Solve(a));
                Assert.True(values.Equals(again.Values) && vectors.Equals(again.Vectors));
            }
            Assert.True(vectors[17].Equals(SymmetricEigenproblem.Solve(a[17]).Vectors));
        }
    }

    [Fact]
    public void Gradients_go_through_and_what_is_not_finite_stays_visible()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "eigenproblem", CPU);
        var noise = random.Normal([4, 4], ScalarType.Float64);
        var a = (noise + noise.mT).requires_grad_();
        var gradient = autograd.grad([SymmetricEigenproblem.Solve(a).Values.select(0, 3)], [a])[0];
        var top = SymmetricEigenproblem.Solve(a.detach()).Vectors.select(1, 3);
        Compare.Close(top.outer(top), gradient, 1e-12);
        var broken = eye(4, dtype: ScalarType.Float64);
        broken[2, 1] = double.NaN;
        Assert.True(SymmetricEigenproblem.Solve(broken).Vectors.isnan().all().ToBoolean());
        broken[2, 1] = double.PositiveInfinity;
        Assert.True(SymmetricEigenproblem.Solve(broken).Values.isnan().all().ToBoolean());
    }
}

using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>(A + zeta I)^(-1/2) by poles: the sum itself, the matrix function beside eigenvectors, lanes beside single matrices.</summary>
public sealed unsafe class InverseRootTests
{
    [Fact]
    public void The_sum_of_poles_is_the_inverse_root_to_round_off()
    {
        foreach (int k in new[] { 1, 2, 3, 7, 20, 52, 100, 400, 900 })
        {
            var poles = InverseRootPoles<double>.Of(k);
            Assert.All(poles.Shifts.Concat(poles.Weights), number => Assert.True(number > 0 && double.IsFinite(number)));
            for (int i = 0; i <= 200; i++)
            {
                double x = Math.Pow(2, k * i / 200.0), sum = 0;
                for (int s = 0; s < poles.Shifts.Length; s++) sum += poles.Weights[s] / (x + poles.Shifts[s]);
                Assert.InRange(sum * Math.Sqrt(x), 1 - 2e-15 - k * 3e-17, 1 + 2e-15 + k * 3e-17);
            }
        }
        Assert.Equal(6, InverseRootPoles<double>.Of(1).Shifts.Length);
        foreach (int k in new[] { 1, 2, 9, 24, 100 })
        {
            var poles = InverseRootPoles<float>.Of(k);
            for (int i = 0; i <= 200; i++)
            {
                double x = Math.Pow(2, k * i / 200.0), sum = 0;
                for (int s = 0; s < poles.Shifts.Length; s++) sum += poles.Weights[s] / (x + poles.Shifts[s]);
                Assert.InRange(sum * Math.Sqrt(x), 1 - 3e-7, 1 + 3e-7);
            }
        }
        Assert.InRange(InverseRootPoles<float>.Of(1).Shifts.Length, 3, 4);
    }

    [Theory]
    [InlineData(0.0, 1)]
    [InlineData(0.999, 1)]
    [InlineData(1.0, 2)]
    [InlineData(2.9, 2)]
    [InlineData(3.0, 3)]
    [InlineData(double.PositiveInfinity, 900)]
    [InlineData(double.NaN, 1)]
    public void A_range_of_eigenvalues_has_its_sum(double range, int k)
    {
        Assert.Equal(Vector512.Create((double)k), InverseRootPoles<double>.ExponentsOf(Vector512.Create(range)));
        Assert.Equal(Vector512.Create((float)Math.Min(k, 100)), InverseRootPoles<float>.ExponentsOf(Vector512.Create((float)range)));
    }

    private static double[,] Root(double[,] a, double zeta, double factor)
    {
        int m = a.GetLength(0), stride = Vectors.Padded<double>(m);
        using var room = new RentedMemory<double>(2L * m * stride + InverseRootKernel.WorkSize<double>(m));
        double* matrix = room.Start, root = matrix + m * stride;
        new Span<double>(matrix, m * stride).Clear();
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) matrix[i * stride + j] = a[Math.Max(i, j), Math.Min(i, j)];
        var form = InverseRootKernel.Reduce(matrix, zeta, m, root + m * stride);
        InverseRootKernel.Root(matrix, form, zeta, factor, root, m, root + m * stride);
        double[,] result = new double[m, m];
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) result[i, j] = root[i * stride + j];
        return result;
    }

    private static Tensor Reference(Tensor a, double zeta)
    {
        var (values, vectors) = linalg.eigh(a);
        return (vectors * (values.clamp(0) + zeta).rsqrt()).matmul(vectors.mT);
    }

    private static double[,] Numbers(Tensor matrix)
    {
        int m = (int)matrix.size(0);
        double[] all = matrix.contiguous().data<double>().ToArray();
        double[,] numbers = new double[m, m];
        Buffer.BlockCopy(all, 0, numbers, 0, all.Length * sizeof(double));
        return numbers;
    }

    private static IEnumerable<Tensor> Matrices(int m, RandomStream random)
    {
        var y = random.Normal([m, 2 * m], ScalarType.Float64);
        yield return y.matmul(y.mT);
        yield return 1e-3 * y.matmul(y.mT);
        yield return 1e6 * y.matmul(y.mT);
        // Deficient, graded both ways, and nearly of rank one
        var thin = random.Normal([m, Math.Max(1, m / 2)], ScalarType.Float64);
        yield return thin.matmul(thin.mT);
        var grades = logspace(0, 6, m, dtype: ScalarType.Float64);
        yield return grades.unsqueeze(1) * y.matmul(y.mT) * grades;
        yield return grades.flip(0).unsqueeze(1) * y.matmul(y.mT) * grades.flip(0);
        yield return 1e10 * ones(m, m, dtype: ScalarType.Float64) + y.matmul(y.mT);
        yield return zeros(m, m, dtype: ScalarType.Float64);
        yield return eye(m, dtype: ScalarType.Float64);
        yield return random.Uniform([m], ScalarType.Float64).diag();
        // Numbers whose squares vanish, everywhere and beside others
        yield return 1e-200 * y.matmul(y.mT);
        var uneven = y.matmul(y.mT);
        if (m > 3) (uneven[..(m - 2), (m - 2)..], uneven[(m - 2).., ..(m - 2)]) = (1e-165, 1e-165);
        yield return uneven;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(41)]
    public void The_root_is_that_of_LAPACKs_eigenvectors(int m)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(m, "inverse root", CPU);
        foreach (var a in Matrices(m, random))
        {
            double zeta = Math.Max(1, m - 1);
            // Round-off of A itself moves the root by so much, relative to its norm.
            double condition = a.abs().max().ToDouble() * m / zeta + 1;
            var expected = Reference(a, zeta);
            var actual = tensor(Root(Numbers(a), zeta, 3)) / 3;
            Assert.True(FiniteNumbers.All(actual));
            double norm = 1 / Math.Sqrt(zeta);
            Assert.InRange((actual - expected).abs().max().ToDouble() / norm, 0, 1e-14 + 2e-16 * condition);
        }
    }

    [Fact]
    public void What_is_too_large_to_square_has_its_root_and_what_is_not_a_number_has_none()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "inverse root", CPU);
        var y = random.Normal([6, 9], ScalarType.Float64);
        foreach (double size in new[] { 1e-70, 1e150, 1e200, 1e300 })
        {
            var a = size * y.matmul(y.mT);
            double zeta = 0.1 * size;
            Compare.Close(Reference(y.matmul(y.mT), 0.1), tensor(Root(Numbers(a), zeta, 1)) * Math.Sqrt(size), 1e-12);
        }
        double[,] broken = Numbers(y.matmul(y.mT));
        broken[2, 2] = double.NaN;
        foreach (double number in Root(broken, 5, 1)) Assert.True(double.IsNaN(number));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(41)]
    public void Lanes_give_the_bits_of_single_matrices(int m)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(m, "inverse root", CPU);
        var all = Matrices(m, random).Select(Numbers).ToList();
        double[,] broken = Numbers(eye(m, dtype: ScalarType.Float64));
        broken[m / 2, m / 2] = double.NaN;
        LanesAreSingles([.. all.Take(Vector512<double>.Count - 1), broken], m);
        LanesAreSingles([broken, .. all.TakeLast(Vector512<double>.Count - 1)], m);
    }

    private static void LanesAreSingles(List<double[,]> matrices, int m)
    {
        int lanes = Vector512<double>.Count;
        using var room = new RentedMemory<double>((2L * m * m + InverseRootInLanes.WorkSize(m)) * lanes);
        Vector512<double>* a = (Vector512<double>*)room.Start, root = a + m * m;
        for (int k = 0; k < m * m; k++) a[k] = Vector512.Create(double.NaN);
        for (int lane = 0; lane < lanes; lane++)
            for (int i = 0; i < m; i++)
                for (int j = 0; j <= i; j++) ((double*)(a + i * m + j))[lane] = matrices[lane][i, j];
        var form = InverseRootInLanes.Reduce(a, 0.7 * m, m, root + m * m);
        InverseRootInLanes.Root(a, form, Vector512.Create(0.7 * m), 1.1, root, m, root + m * m);
        for (int lane = 0; lane < lanes; lane++)
        {
            double[,] alone = Root(matrices[lane], 0.7 * m, 1.1);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < m; j++)
                    Assert.Equal(alone[i, j], ((double*)(root + i * m + j))[lane]);
        }
    }

    private static (double[] Values, double[] Projections) Spectrum(double[,] a, double[] vector)
    {
        int m = vector.Length, stride = Vectors.Padded<double>(m);
        using var room = new RentedMemory<double>((m + 2L) * stride + InverseRootKernel.WorkSize<double>(m));
        double* matrix = room.Start, projections = matrix + m * stride, values = projections + stride, work = values + stride;
        new Span<double>(matrix, (m + 2) * stride).Clear();
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) matrix[i * stride + j] = a[Math.Max(i, j), Math.Min(i, j)];
        vector.CopyTo(new Span<double>(projections, m));
        var form = InverseRootKernel.Reduce(matrix, 0, m, work);
        InverseRootKernel.Spectrum(matrix, form.Scale, projections, values, m, work);
        return (new Span<double>(values, m).ToArray(), new Span<double>(projections, m).ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(41)]
    public void Eigenvalues_and_projections_are_LAPACKs_and_lanes_give_their_bits(int m)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(m, "spectrum", CPU);
        int lanes = Vector512<double>.Count;
        var all = Matrices(m, random).ToList();
        double[,] broken = Numbers(eye(m, dtype: ScalarType.Float64));
        broken[m / 2, m / 2] = double.NaN;
        var vectors = random.Normal([all.Count + 1, m], ScalarType.Float64);
        foreach (int first in new[] { 0, all.Count - lanes + 1 })
        {
            List<double[,]> matrices = [.. all.Skip(first).Take(lanes - 1).Select(Numbers), broken];
            using var room = new RentedMemory<double>(((long)m * m + 2 * m + InverseRootInLanes.WorkSize(m)) * lanes);
            Vector512<double>* a = (Vector512<double>*)room.Start, projections = a + m * m, values = projections + m, work = values + m;
            double[][] given = [.. Enumerable.Range(0, lanes).Select(lane => vectors[lane].data<double>().ToArray())];
            for (int lane = 0; lane < lanes; lane++)
                for (int i = 0; i < m; i++)
                {
                    for (int j = 0; j <= i; j++) ((double*)(a + i * m + j))[lane] = matrices[lane][i, j];
                    ((double*)(projections + i))[lane] = given[lane][i];
                }
            var form = InverseRootInLanes.Reduce(a, 0, m, work);
            InverseRootInLanes.Spectrum(a, form.Scale, projections, values, m, work);
            for (int lane = 0; lane < lanes; lane++)
            {
                var (alone, along) = Spectrum(matrices[lane], given[lane]);
                for (int i = 0; i < m; i++)
                {
                    Assert.Equal(alone[i], values[i][lane]);
                    Assert.Equal(along[i], projections[i][lane]);
                }
                if (lane == lanes - 1)
                {
                    Assert.All(alone.Concat(along), number => Assert.True(double.IsNaN(number)));
                    continue;
                }
                // The resolvent's quadratic form holds both, however eigenvectors of one eigenvalue are chosen.
                var matrix = all[first + lane];
                double norm = Math.Max(matrix.abs().max().ToDouble() * m, 1e-80);   // smaller matrices count as zero beside their diagonal
                var sorted = linalg.eigvalsh(matrix).data<double>().ToArray();
                for (int i = 0; i < m; i++) Assert.InRange(Math.Abs(alone.Order().ElementAt(i) - sorted[i]) / norm, 0, 1e-14);
                var vector = vectors[lane];
                var shifted = matrix + norm * eye(m, dtype: ScalarType.Float64);
                double expected = vector.dot(linalg.solve(shifted, vector)).ToDouble() * norm;
                double actual = Enumerable.Range(0, m).Sum(i => along[i] * along[i] / (alone[i] / norm + 1));
                Assert.InRange(actual / expected, 1 - 1e-13, 1 + 1e-13);
            }
        }
    }
}

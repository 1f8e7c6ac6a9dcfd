using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The densities that networks parametrise, against MathNet's and against each other.</summary>
public sealed class NetworkDensityTests : IDisposable
{
    private const long Batch = 3, N = 4;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(5, "network densities", CPU);

    public void Dispose()
    {
        scope.Dispose();
        random.Dispose();
    }

    private Tensor Normal(params long[] shape) => random.Normal(shape, ScalarType.Float64);

    private TriangularGaussianDensity Triangular() =>
        new(Normal(Batch, N), Normal(Batch, N, N).tril(-1) + (0.4 * Normal(Batch, N)).exp().diag_embed());

    private DiagonalGaussianDensity Diagonal() => new(Normal(Batch, N), Normal(Batch, N).exp());

    private LowRankGaussianDensity LowRank(long rank = 2) => new(Normal(Batch, N), Normal(Batch, N, rank), Normal(Batch, N).exp());

    public static TheoryData<string> Kinds => ["triangular", "diagonal", "low rank", "rank above dimension"];

    private IDensity Of(string kind) => kind switch
    {
        "triangular" => Triangular(),
        "diagonal" => Diagonal(),
        "low rank" => LowRank(),
        _ => LowRank(rank: 7),
    };

    [Theory, MemberData(nameof(Kinds))]
    public void Its_logarithm_is_MathNets(string kind)
    {
        var density = Of(kind);
        var state = Normal(Batch, N);
        var logarithm = density.LogDensity(state);
        for (int b = 0; b < Batch; b++)
        {
            Matrix<double> Column(Tensor row) => Matrix<double>.Build.DenseOfColumnArrays(row.data<double>().ToArray());
            var covariance = Matrix<double>.Build.Dense((int)N, (int)N, (i, j) => density.Covariance[b, i, j].ToDouble());
            var normal = new MatrixNormal(Column(density.Mean[b]), covariance, Matrix<double>.Build.DenseIdentity(1));
            Assert.Equal(Math.Log(normal.Density(Column(state[b]))), logarithm[b].ToDouble(), 1e-10);
        }
        Compare.Close(new GaussianDensity(density.Mean, density.Covariance).LogDensity(state), logarithm, 1e-12);
        Compare.Close(density.Covariance.diagonal(0, 1, 2).sqrt(), density.StandardDeviation, 1e-13);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Its_draws_have_its_moments(string kind)
    {
        var density = Of(kind);
        var draws = density.Sample(60_000, random);
        Assert.Equal([Batch, 60_000, N], draws.shape);
        var standard = (draws.mean([1]) - density.Mean) / density.StandardDeviation * Math.Sqrt(60_000);
        Assert.True(standard.abs().max().ToDouble() < 4.5);
        Compare.Close(density.Covariance, Compare.SampleCovariance(draws), 0.03);
    }

    [Fact]
    public void A_mixture_weighs_its_parts()
    {
        var logWeights = nn.functional.log_softmax(Normal(Batch, 2), 1);
        var (first, second) = (Triangular(), Diagonal());
        var mixture = new MixtureDensity(logWeights, [first, second]);
        var state = Normal(Batch, N);
        var weights = logWeights.exp();
        var direct = (weights[.., 0] * first.LogDensity(state).exp() + weights[.., 1] * second.LogDensity(state).exp()).log();
        Compare.Close(direct, mixture.LogDensity(state), 1e-12);
        Compare.Close(mixture.Covariance.diagonal(0, 1, 2).sqrt(), mixture.StandardDeviation, 1e-13);
        var draws = mixture.Sample(80_000, random);
        Assert.True(((draws.mean([1]) - mixture.Mean) / mixture.StandardDeviation * Math.Sqrt(80_000)).abs().max().ToDouble() < 4.5);
        Compare.Close(mixture.Covariance, Compare.SampleCovariance(draws), 0.03);
    }

    [Fact]
    public void A_mixture_of_equals_is_the_part()
    {
        var part = LowRank();
        var mixture = new MixtureDensity(nn.functional.log_softmax(Normal(Batch, 3), 1), [part, part, part]);
        var state = Normal(Batch, N);
        Compare.Close(part.LogDensity(state), mixture.LogDensity(state), 1e-12);
        Compare.Close(part.Mean, mixture.Mean, 1e-12);
        Compare.Close(part.Covariance, mixture.Covariance, 1e-12);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        var mean = Normal(Batch, N);
        Assert.Throws<ArgumentException>(() => new TriangularGaussianDensity(mean, Normal(Batch, N, N - 1)));
        Assert.Throws<ArgumentException>(() => new DiagonalGaussianDensity(mean, Normal(Batch, N - 1)));
        Assert.Throws<ArgumentException>(() => new LowRankGaussianDensity(mean, Normal(Batch, N - 1, 2), Normal(Batch, N)));
        Assert.Throws<ArgumentException>(() => new MixtureDensity(Normal(Batch, 3), [Diagonal(), Diagonal()]));
        Assert.Throws<ArgumentException>(() => new MixtureDensity(Normal(Batch, 0), []));
        Assert.Throws<ArgumentException>(() => Diagonal().LogDensity(Normal(Batch, N - 1)));
    }
}

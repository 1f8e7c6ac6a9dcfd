using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class DensityTests
{
    private readonly RandomStream random = new(21, "densities", CPU);

    [Fact]
    public void Gaussian_density_has_the_value_of_its_formula_and_draws_of_its_moments()
    {
        using var scope = NewDisposeScope();
        var mean = tensor(new double[] { 1, -2 }).unsqueeze(0);
        var covariance = tensor(new[,] { { 2, 0.6 }, { 0.6, 0.5 } }).unsqueeze(0);
        var density = new GaussianDensity(mean, covariance);
        // det = 0.64, inverse = [[0.5, -0.6], [-0.6, 2]] / 0.64; at (2, -1): d = (1, 1), d^T P^-1 d = 1.3 / 0.64
        double expected = -0.5 * 1.3 / 0.64 - 0.5 * Math.Log(0.64) - Math.Log(2 * Math.PI);
        Assert.Equal(expected, density.LogDensity(tensor(new double[] { 2, -1 }).unsqueeze(0)).ToDouble(), 12);
        Compare.Close(tensor(new[,] { { Math.Sqrt(2), Math.Sqrt(0.5) } }), density.StandardDeviation, 1e-14);
        var draws = density.Sample(40000, random);
        Assert.Equal([1, 40000, 2], draws.shape);
        Assert.InRange((draws.mean([1]) - mean).abs().max().ToDouble(), 0, 4 * Math.Sqrt(2.0 / 40000));
        Compare.Close(covariance, Compare.SampleCovariance(draws), 0.03);
        Assert.Throws<NotSupportedException>(() => new GaussianDensity(mean, zeros(1, 2, 2, dtype: ScalarType.Float64)).LogDensity(mean));
    }

    [Fact]
    public void Ensemble_density_is_the_Gaussian_of_its_sample_moments_where_these_have_full_rank()
    {
        using var scope = NewDisposeScope();
        var members = random.Normal([2, 6, 3], ScalarType.Float64);
        var density = new EnsembleDensity(members);
        var centred = members - members.mean([1], keepdim: true);
        Compare.Close(centred.mT.matmul(centred) / 5, density.Covariance, 1e-14);
        Compare.Close(density.Covariance.diagonal(0, 1, 2).sqrt(), density.StandardDeviation, 1e-13);
        var state = random.Normal([2, 3], ScalarType.Float64);
        Compare.Close(new GaussianDensity(density.Mean, density.Covariance).LogDensity(state), density.LogDensity(state), 1e-14);
        Compare.Close(density.Covariance, Compare.SampleCovariance(density.Sample(60000, random)), 0.03);
        var few = new EnsembleDensity(members[.., ..3]);
        Assert.Contains("3 members in 3 dimensions", Assert.Throws<NotSupportedException>(() => few.LogDensity(state)).Message);
        Assert.Equal([2, 5, 3], few.Sample(5, random).shape);
    }

    [Fact]
    public void An_ensemble_of_one_member_is_refused()
    {
        using var scope = NewDisposeScope();
        var one = zeros(1, 1, 3, dtype: ScalarType.Float64);
        Assert.Contains("at least two members", Assert.Throws<ArgumentException>(() => new EnsembleDensity(one)).Message);
        var context = new DataAssimilationContext();
        var dynamics = new Lorenz96();
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)),
                new() { Members = 1 }));
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1));
        Assert.Throws<ArgumentException>(() =>
            analyzer.Analyze(new(one), new Observation(zeros(1, 3, dtype: ScalarType.Float64), null, 0), random));
    }

    [Fact]
    public void Dirac_density_is_its_state_and_refuses_a_density()
    {
        using var scope = NewDisposeScope();
        var state = random.Normal([2, 3], ScalarType.Float64);
        var density = new DiracDensity(state);
        Assert.True(density.Mean.equal(state).all().ToBoolean());
        Assert.Equal(0, density.Covariance.abs().sum().ToDouble());
        Assert.True(density.Sample(4, random)[1, 3].equal(state[1]).all().ToBoolean());
        Assert.Throws<NotSupportedException>(() => density.LogDensity(state));
    }

    [Fact]
    public void A_state_with_a_constant_covariance_is_a_Gaussian()
    {
        using var scope = NewDisposeScope();
        var state = random.Normal([2, 3], ScalarType.Float64);
        var procoder = new StateProcoder(ErrorCovariance.Diagonal(1, 4, 9));
        Assert.True(procoder.HasSpread);
        Assert.False(new StateProcoder().HasSpread);
        var density = procoder.Decode(new(state));
        Compare.Close(tensor(new double[] { 1, 2, 3 }).expand(2, 3), density.StandardDeviation, 1e-14);
        Assert.Equal(-Math.Log(6) - 1.5 * Math.Log(2 * Math.PI), density.LogDensity(state)[0].ToDouble(), 12);
    }

    [Fact]
    public void Mean_and_deviation_are_those_of_the_tensors_in_any_precision_and_view()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(8, "mean", CPU);
        foreach (int n in new[] { 1, 7, 8, 21 })
        {
            var members = random.Normal([3, 5, n], ScalarType.Float64);
            Compare.Close(members.mean([1]), EnsembleStatistics.Mean(members), 1e-14);
            Compare.Close(members.mean([1]), EnsembleStatistics.Mean(members.transpose(0, 1).contiguous().transpose(0, 1)), 1e-14);
            Compare.Close(members.mean([1]), EnsembleStatistics.Mean(members.to(ScalarType.Float32)).to(ScalarType.Float64), 1e-5);
            var shifted = members + 1e6;    // nothing cancels
            var deviation = ((members - members.mean([1], keepdim: true)).square().sum(1) / 4).sqrt();
            Compare.Close(deviation, EnsembleStatistics.StandardDeviation(members), 1e-14);
            Compare.Close(deviation, EnsembleStatistics.StandardDeviation(shifted), 1e-8);
            Compare.Close(deviation, EnsembleStatistics.StandardDeviation(members.transpose(0, 1).contiguous().transpose(0, 1)), 1e-14);
            Compare.Close(deviation, EnsembleStatistics.StandardDeviation(members.to(ScalarType.Float32)).to(ScalarType.Float64), 1e-5);
        }
        var leaf = ones(1, 4, 2, dtype: ScalarType.Float64).requires_grad_();
        Assert.True(new EnsembleDensity(leaf).Mean.requires_grad);
        Assert.True(new EnsembleDensity(leaf + 0).StandardDeviation.requires_grad);
    }
}

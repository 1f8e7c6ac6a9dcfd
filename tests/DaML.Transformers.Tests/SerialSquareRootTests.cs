using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class SerialSquareRootTests
{
    private readonly DataAssimilationContext context = new(43);

    [Theory]
    [InlineData(4, 9, false)]
    [InlineData(9, 4, false)]
    [InlineData(6, 6, true)]
    public void Mean_and_covariance_are_those_of_the_transform_filter(long members, long p, bool masked)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("serial");
        const long n = 12;
        var ensemble = random.Normal([2, members, n], ScalarType.Float64);
        var h = new LinearObservationOperator(random.Normal([p, n], ScalarType.Float64));
        var factor = random.Normal([p, p], ScalarType.Float64);
        var r = ErrorCovariance.Full(factor.matmul(factor.T) + eye(p, dtype: ScalarType.Float64));
        var mask = masked ? random.Uniform([2, p], ScalarType.Float64) < 0.6 : null;
        var y = new Observation(random.Normal([2, p], ScalarType.Float64), mask, 0);
        foreach (var inflation in new Inflation[]
            { Inflation.None, Inflation.Variance(1.3, InflationTarget.Prior), Inflation.StandardDeviation(1.1) })
        {
            var serial = new SerialSquareRootFilterAnalyzer(h, r, inflation).Analyze(new(ensemble), y, random).Members;
            var transform = new EnsembleTransformKalmanFilterAnalyzer(h, r, inflation).Analyze(new(ensemble), y, random).Members;
            Compare.Close(transform.mean([1]), serial.mean([1]), 1e-10);
            Compare.Close(Compare.SampleCovariance(transform), Compare.SampleCovariance(serial), 1e-10);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-13)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void The_kernel_does_what_the_tensor_operators_do(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("kernel");
        foreach (var (members, p) in new[] { (3, 1), (7, 11), (20, 5), (33, 40) })
        {
            var observed = EnsembleStatistics.Split(random.Normal([3, members, p], precision)).Anomalies;
            var innovation = random.Normal([3, p], precision);
            var (transform, weights) = SerialUpdate.Solve(observed, innovation);
            // Where a gradient is wanted, tensor operators do the work.
            var (expected, expectedWeights) = SerialUpdate.Solve(observed.detach().requires_grad_(true), innovation);
            Assert.True(expected.requires_grad && !transform.requires_grad);
            Compare.Close(expected, transform, tolerance);
            Compare.Close(expectedWeights, weights, tolerance);
        }
    }

    [Fact]
    public void Deterministic_filter_gives_the_anomalies_half_the_gain()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("half");
        foreach (int members in new[] { 4, 9 }) // more and fewer observations (6) than members
        {
            var e = random.Normal([1, members, 8], ScalarType.Float64);
            var h = random.Normal([6, 8], ScalarType.Float64);
            var y = random.Normal([1, 6], ScalarType.Float64);
            var analysis = new DeterministicEnsembleKalmanFilterAnalyzer(new LinearObservationOperator(h), ErrorCovariance.Scalar(6, 4))
                .Analyze(new(e), new Observation(y, null, 0), random).Members[0];
            var p = Compare.SampleCovariance(e)[0];
            var gain = p.matmul(h.T).matmul(linalg.inv(h.matmul(p).matmul(h.T) + 4 * eye(6, dtype: ScalarType.Float64)));
            var mean = e[0].mean([0]);
            var anomalies = e[0] - mean;
            var expected = mean + (y[0] - h.matmul(mean)).matmul(gain.T) + anomalies - 0.5 * anomalies.matmul(h.T).matmul(gain.T);
            Compare.Close(expected, analysis, 1e-11);
        }
    }

    [Fact]
    public void Covariance_growth_of_the_extended_filter_is_per_unit_of_time()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(8);
        using var random = context.Random("growth");
        var memory = new GaussianMemory(random.Normal([2, 8], ScalarType.Float64), eye(8, dtype: ScalarType.Float64).expand(2, 8, 8));
        Tensor Propagate(IDynamics model, double growth) =>
            new GaussianPropagater(model, growth).Propagate(memory, new TimeInterval(0, 0.2), random).Covariance;
        Compare.Close(Math.Pow(7, 0.2) * Propagate(dynamics, 1), Propagate(dynamics, 7), 1e-13);
        // With a model error it grows with every step, and the last step's error not at all.
        var noisy = new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 1e-12) };
        Compare.Close(Math.Pow(7, 0.2) * Propagate(dynamics, 1), Propagate(noisy, 7), 1e-9);
        Assert.Contains("at least one", Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianPropagater(dynamics, 0.9)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianPropagater(dynamics, double.NaN));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A small linear-Gaussian system with full matrices everywhere, for which the Kalman filter is exact.</summary>
internal sealed class LinearGaussianSystem
{
    public const int N = 5, P = 3;

    public LinearGaussianSystem(long seed = 1, bool modelError = true)
    {
        using var random = new RandomStream(seed, "linear-gaussian system", CPU);
        var noise = random.Normal([N, N], ScalarType.Float64);
        M = 0.95 * linalg.qr(noise).Q + 0.1 * random.Normal([N, N], ScalarType.Float64);
        H = random.Normal([P, N], ScalarType.Float64);
        Q = Covariance(random, N, 0.1);
        R = Covariance(random, P, 0.5);
        P0 = Covariance(random, N, 1);
        M0 = random.Normal([N], ScalarType.Float64);
        Dynamics = new LinearDynamics(M) { ModelError = modelError ? ErrorCovariance.Full(Q) : null };
        Network = new ObservationNetwork(new LinearObservationOperator(H), ErrorCovariance.Full(R), null);
        Initial = new GaussianInitialCondition(M0, ErrorCovariance.Full(P0));
    }

    public Tensor M { get; }
    public Tensor H { get; }
    public Tensor Q { get; }
    public Tensor R { get; }
    public Tensor P0 { get; }
    public Tensor M0 { get; }
    public LinearDynamics Dynamics { get; }
    public ObservationNetwork Network { get; }
    public GaussianInitialCondition Initial { get; }
    public AssimilationSystem System => new(Dynamics, Network) { Initial = Initial };

    private static Tensor Covariance(RandomStream random, long n, double scale)
    {
        var factor = random.Normal([n, n], ScalarType.Float64);
        return scale * (factor.matmul(factor.T) / n + 0.3 * eye(n, dtype: ScalarType.Float64));
    }
}

internal static class Compare
{
    /// <summary>The largest difference, relative to the largest value.</summary>
    public static double Difference(Tensor a, Tensor b)
    {
        Assert.Equal(a.shape, b.shape);
        return (a - b).abs().max().ToDouble() / Math.Max(1e-300, b.abs().max().ToDouble());
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance) =>
        Assert.InRange(Difference(actual, expected), 0, tolerance);

    /// <summary>An ensemble whose sample mean and covariance are exactly those given, <c>[1, members, n]</c>.</summary>
    public static Tensor ExactEnsemble(Tensor mean, Tensor covariance, long members, long seed = 5)
    {
        long n = mean.shape[0];
        Assert.True(members > n);
        using var random = new RandomStream(seed, "exact ensemble", CPU);
        var noise = random.Normal([members, n], ScalarType.Float64);
        var orthonormal = linalg.qr(noise - noise.mean([0], keepdim: true)).Q; // columns orthogonal to ones
        return (mean + Math.Sqrt(members - 1) * orthonormal.matmul(linalg.cholesky(covariance).T)).unsqueeze(0);
    }

    public static Tensor SampleCovariance(Tensor members) => new EnsembleDensity(members).Covariance;
}

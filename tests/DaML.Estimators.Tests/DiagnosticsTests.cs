using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Diagnostics of methods and models against what is known exactly.</summary>
public sealed class DiagnosticsTests
{
    private readonly DataAssimilationContext context = new(31);

    private static double Largest(Tensor difference) => difference.abs().max().ToDouble();

    [Fact]
    public void Bures_Wasserstein_distance_of_commuting_covariances_is_that_of_their_deviations()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("bures");
        var q = linalg.qr(random.Normal([5, 5], ScalarType.Float64)).Q;
        double[] u = [4, 1, 0.25, 9, 0], v = [1, 1, 2.25, 4, 0.16];
        Tensor Of(double[] values) => (q * tensor(values)).matmul(q.transpose(0, 1));
        double expected = Math.Sqrt(u.Zip(v).Sum(pair => Math.Pow(Math.Sqrt(pair.First) - Math.Sqrt(pair.Second), 2))) / 5;
        Assert.Equal(expected, CovarianceComparison.BuresWassersteinDistance(Of(u), Of(v)).ToDouble(), 1e-12);
        Assert.Equal(expected, CovarianceComparison.BuresWassersteinDistance(Of(v), Of(u)).ToDouble(), 1e-12);
        Assert.Equal(0, CovarianceComparison.BuresWassersteinDistance(Of(v), Of(v)).ToDouble(), 1e-7);
        // Two dimensions, covariances that do not commute: Tr (V^1/2 U V^1/2)^1/2 = sqrt(Tr(UV) + 2 sqrt(det U det V)).
        Tensor a = tensor(new[,] { { 2.0, 0.5 }, { 0.5, 1.0 } }), b = tensor(new[,] { { 1.0, -0.7 }, { -0.7, 3.0 } });
        double cross = Math.Sqrt((a.matmul(b)).diagonal().sum().ToDouble()
            + 2 * Math.Sqrt(linalg.det(a).ToDouble() * linalg.det(b).ToDouble()));
        Assert.Equal(Math.Sqrt(3 + 4 - 2 * cross) / 2, CovarianceComparison.BuresWassersteinDistance(a, b).ToDouble(), 1e-12);
        Assert.Contains("[2, 2]", Assert.Throws<ArgumentException>(() => CovarianceComparison.BuresWassersteinDistance(a, Of(u))).Message);
    }

    [Fact]
    public void Principal_angles_are_those_that_subspaces_were_turned_by()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("angles");
        double[] degrees = [1e-6, 10, 60];
        var basis = linalg.qr(random.Normal([7, 7], ScalarType.Float64)).Q.transpose(0, 1);
        var radians = tensor(degrees).unsqueeze(1) * (Math.PI / 180);
        var first = basis.narrow(0, 0, 3);
        var second = radians.cos() * first + radians.sin() * basis.narrow(0, 3, 3);
        // Other spanning sets of the same subspaces.
        Tensor Mixed(Tensor vectors, int seed) => random.Normal([3, 3], ScalarType.Float64).matmul(vectors);
        double[] angles = CovarianceComparison.PrincipalAngles(Mixed(first, 1), Mixed(second, 2)).data<double>().ToArray();
        for (int i = 0; i < 3; i++) Assert.Equal(degrees[i], angles[i], 1e-9);
        Assert.Throws<ArgumentException>(() => CovarianceComparison.PrincipalAngles(first, second.narrow(0, 0, 2)));
    }

    [Fact]
    public void A_linear_models_exponents_are_the_logarithms_of_its_eigenvalues_and_its_covariant_vectors_the_eigenvectors()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("linear");
        double[] values = [1.5, 1.1, 0.7, 0.2];
        var eigenvectors = random.Normal([4, 4], ScalarType.Float64);        // columns
        var matrix = eigenvectors.matmul(diag(tensor(values))).matmul(linalg.inv(eigenvectors));
        var model = new LinearDynamics(matrix, timeStep: 0.5);
        // The states do not matter for a linear model: those at rest.
        using var view =
            new MemoryTrajectoryView(new Dictionary<Column, Tensor> { [Columns.Truth] = zeros(200, 2, 4, dtype: ScalarType.Float64) },
            [.. Enumerable.Range(1, 200).Select(i => 0.5 * i)], 0);
        var lyapunov = new LyapunovEstimator(context, model, transient: 100).Fit(view);
        for (int i = 0; i < 4; i++) Assert.Equal(Math.Log(values[i]) / 0.5, lyapunov.Spectrum!.Exponents[i], 1e-8);
        Assert.Equal(1, lyapunov.Spectrum!.Neutral);

        var covariant = CovariantLyapunovVectors.Compute(lyapunov, view, transient: 60);
        Assert.Equal(80, covariant.CycleCount);
        var expected = (eigenvectors / eigenvectors.square().sum([0], keepdim: true).sqrt()).transpose(0, 1);
        var cosines = (covariant[CovariantLyapunovVectors.Vectors] * expected).sum([-1]).abs();
        Assert.True(Largest(cosines - 1) < 1e-8);

        // The leading backward vectors span what the eigenvectors of the largest eigenvalues do.
        using var cursor = lyapunov.Transform(view).OpenCursor();
        for (int i = 0; i < 150; i++) cursor.MoveNext();
        Assert.True(
            Largest(CovarianceComparison.PrincipalAngles(cursor[LyapunovVectors.Vectors].narrow(1, 0, 2),
                expected.narrow(0, 0, 2).expand(2, 2, 4))) < 1e-5);
    }

    [Fact]
    public void Lorenz_96_has_thirteen_positive_exponents_one_that_is_zero_and_contracts_by_one_in_each_direction()
    {
        var model = new Lorenz96();
        var truth = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)),
            new() { Batch = 16, Cycles = 4200 });
        var spectrum = context.Transforms.LyapunovVectors(model, transient: 200).Fit(truth).Spectrum!;
        Assert.Equal(13, spectrum.Positive);
        Assert.InRange(spectrum.Exponents[13], -0.02, 0.02);
        Assert.InRange(spectrum.Predictability, 0.57, 0.63);               // published: 0.60
        Assert.InRange(spectrum.KaplanYorkeDimension, 26.5, 27.7);         // published: 27.1
        Assert.Equal(-40, spectrum.Exponents.Sum(), 0.01);                 // div f = -n, but for the integrator's error
        for (int i = 1; i < 40; i++) Assert.True(spectrum.Exponents[i] <= spectrum.Exponents[i - 1]);
    }

    [Fact]
    public void Covariant_vectors_of_Lorenz_96_are_carried_into_each_other()
    {
        using var scope = NewDisposeScope();
        var model = new Lorenz96(dimension: 8);
        var truth = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)), new() { Cycles = 900 });
        var lyapunov = new LyapunovVectors(context, model);
        using var covariant = CovariantLyapunovVectors.Compute(lyapunov, truth, transient: 400);
        Tensor vectors = covariant[CovariantLyapunovVectors.Vectors], states = covariant[Columns.Truth];
        var state = states[50].unsqueeze(1).expand(1, 8, 8).contiguous();
        var carried = model.TangentLinear(state, vectors[50], new TimeInterval(covariant.Times[50], covariant.Times[51]));
        var cosines = (carried * vectors[51]).sum([-1]).abs() / carried.square().sum([-1]).sqrt();
        Assert.True(Largest(cosines - 1) < 1e-9);
        // The neutral vector is the trajectory's own direction.
        var along = states[51] - states[49];
        var best = (vectors[50] * along.unsqueeze(1)).sum([-1]).abs() / along.square().sum([-1]).sqrt();
        Assert.True(best.max().ToDouble() > 0.99);
    }

    [Fact]
    public void Regression_finds_the_gain_of_the_Kalman_filter_and_of_the_ensemble_to_round_off()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("gain");
        var matrix = 0.9 * linalg.qr(random.Normal([5, 5], ScalarType.Float64)).Q;
        var model = new LinearDynamics(matrix) { ModelError = ErrorCovariance.Scalar(5, 0.1) };
        var h = random.Normal([3, 5], ScalarType.Float64);
        var r = random.Normal([3, 3], ScalarType.Float64);
        r = r.matmul(r.transpose(0, 1)) + eye(3, dtype: ScalarType.Float64);
        var network = new ObservationNetwork(new LinearObservationOperator(h), ErrorCovariance.Full(r));
        var system = new AssimilationSystem(model, network);
        var initial = new GaussianInitialCondition(zeros(5, dtype: ScalarType.Float64), ErrorCovariance.Scalar(5, 1));
        var twin = context.Data.Twin(system with { Initial = initial }, new() { Batch = 2, Cycles = 6 });

        var filter = context.Analysis.KalmanFilter(system with { Initial = initial });
        using var run = filter.Run(twin);
        using var cursor = context.Transforms.KalmanGain(filter, network).Transform(twin).OpenCursor();
        while (run.MoveNext() && cursor.MoveNext())
        {
            Tensor b = run.Forecast.Covariance,
                exact = b.matmul(h.transpose(0, 1)).matmul(linalg.inv(h.matmul(b).matmul(h.transpose(0, 1)) + r));
            Assert.True(Largest(cursor[KalmanGainRegression<GaussianMemory>.Gain] - exact) < 1e-10);
            Assert.True(
                Largest(cursor[KalmanGainRegression<GaussianMemory>.AnalysisErrorCovariance]
                    - run.Analysis.Covariance.matmul(h.transpose(0, 1))) < 1e-10);
            Assert.True(
                Largest(cursor[KalmanGainRegression<GaussianMemory>.BackgroundErrorCovariance]
                    - h.matmul(b).matmul(h.transpose(0, 1))) < 1e-9);
            Assert.True(Largest(cursor[Columns.Analysis] - run.Analysis.Mean) == 0);
        }

        var ensemble = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 4 });
        var regression = new KalmanGainRegression<EnsembleMemory>(ensemble, network);
        var members = random.Normal([2, 4, 5], ScalarType.Float64);
        var anomalies = members - members.mean([1], keepdim: true);
        var p = anomalies.transpose(-2, -1).matmul(anomalies) / 3;
        var gain = regression.GainAt(new EnsembleMemory(members), 0, null, random);
        Assert.True(Largest(gain - p.matmul(h.transpose(0, 1)).matmul(linalg.inv(h.matmul(p).matmul(h.transpose(0, 1)) + r))) < 1e-10);

        // What is missing has no gain, and the others' is that of the smaller network.
        var mask = tensor(new[] { true, false, true, true, true, false }, 2, 3);
        gain = regression.GainAt(new EnsembleMemory(members), 0, mask, random);
        var there = tensor(new long[] { 0, 2 });
        Tensor h0 = h.index_select(0, there), r0 = r.index_select(0, there).index_select(1, there);
        var small = p[0].matmul(h0.transpose(0, 1)).matmul(linalg.inv(h0.matmul(p[0]).matmul(h0.transpose(0, 1)) + r0));
        Assert.True(Largest(gain[0].index_select(1, there) - small) < 1e-10);
        Assert.Equal(0, gain[0].select(1, 1).abs().max().ToDouble());
        Assert.Throws<ArgumentOutOfRangeException>(() => new KalmanGainRegression<EnsembleMemory>(ensemble, network, samples: 4));
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The log-likelihood of the observations, and fixed-interval smoothers for models with error.</summary>
public sealed class SmootherTests
{
    // The annual flow of the Nile at Aswan in 1e8 cubic metres, 1871 to 1970 (Cobb 1978; Durbin and Koopman 2012, section 2.2).
    private static readonly double[] Nile =
    [
        1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140, 1100, 1210, 1150,
        1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701,
        916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
        781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812,
        742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718,
        714, 740,
    ];

    private readonly DataAssimilationContext context = new(8);

    private static Tensor D(double[,] matrix) => tensor(matrix);

    private (LinearDynamics Model, ObservationNetwork Network, GaussianInitialCondition Prior, ITrajectoryView View) NileSystem()
    {
        var model = new LinearDynamics(eye(1, dtype: ScalarType.Float64)) { ModelError = ErrorCovariance.Scalar(1, 1469.1) };
        var network = ObservationNetwork.Full(model.Dimension, 15099);
        using var mean = zeros(1, dtype: ScalarType.Float64);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = tensor(Nile, Nile.Length, 1, 1) },
            [.. Enumerable.Range(1, Nile.Length).Select(i => (double)i)]);
        return (model, network, new GaussianInitialCondition(mean, ErrorCovariance.Scalar(1, 1e12)), view);
    }

    [Fact]
    public void The_Nile_series_has_the_diffuse_log_likelihood_and_the_levels_that_are_known()
    {
        var (model, network, prior, view) = NileSystem();
        var system = new AssimilationSystem(model, network) { Initial = prior };
        var filter = context.Analysis.KalmanFilter(system);
        var likelihood = new LogLikelihood(network);
        var report = context.Scores.Evaluate(filter.Transform(view), new() { BurnIn = 1, Scores = [likelihood] });
        Assert.Equal(-632.5456, Assert.Single(report.Of(likelihood)), 1e-3);
        Assert.Equal(-632.5456 / 99, report[likelihood].Mean, 1e-5);
        using var cursor = filter.Transform(view).OpenCursor();
        while (cursor.MoveNext())
            if (cursor.Cycle == 99)
            {
                Assert.Equal(798.370, cursor[Columns.Analysis].ToDouble(), 5e-4);
                Assert.Equal(4032.2, Math.Pow(cursor[Columns.AnalysisSpread].ToDouble(), 2), 0.05);
            }
        // The variances given are those of the largest likelihood.
        double Of(double level, double observation)
        {
            var other = new LinearDynamics(eye(1, dtype: ScalarType.Float64)) { ModelError = ErrorCovariance.Scalar(1, level) };
            var observed = new LogLikelihood(ObservationNetwork.Full(other.Dimension, observation));
            return context.Scores.Evaluate(
                context.Analysis.KalmanFilter(new AssimilationSystem(other, ObservationNetwork.Full(other.Dimension, observation))
                    { Initial = prior }).Transform(view), new() { BurnIn = 1, Scores = [observed] }).Of(observed)[0];
        }
        double best = Of(1469.1, 15099);
        foreach (var (q,
            r) in (ReadOnlySpan<(double, double)>)[(1350, 15099), (1600, 15099), (1469.1, 14500),
                (1469.1, 15700)]) Assert.True(Of(q, r) < best);
    }

    // Three components that turn and decay; one has no error of its own. Every second cycle misses an observation.
    private (LinearDynamics Model, ObservationNetwork Network, GaussianInitialCondition Prior,
        MemoryTrajectoryView View) System(long cycles, double interval, long batch = 2, double unit = 1)
    {
        var model = new LinearDynamics(D(new[,] { { 0.9, -0.4, 0.1 }, { 0.4, 0.8, 0 }, { 0, 0.2, 0.7 } }))
            { ModelError = ErrorCovariance.Full(unit * unit * D(new[,] { { 0.3, 0.1, 0 }, { 0.1, 0.2, 0.05 }, { 0, 0.05, 0.1 } })) };
        var network = new ObservationNetwork(new LinearObservationOperator(D(new[,] { { 1.0, 0.3, 0 }, { 0, 1, 0.5 } })),
            ErrorCovariance.Full(unit * unit * D(new[,] { { 0.5, 0.2 }, { 0.2, 0.4 } })));
        var prior = new GaussianInitialCondition(unit * tensor(new[] { 1.0, -1, 0.5 }),
            ErrorCovariance.Full(unit * unit * D(new[,] { { 1, 0.2, 0 }, { 0.2, 2, 0.1 }, { 0, 0.1, 0.5 } })));
        var system = new AssimilationSystem(model, network) { Interval = interval, Initial = prior };
        using var twin = context.Data.Twin(system, new() { Batch = batch, Cycles = cycles }).Materialise();
        var mask = ones(cycles, batch, 2, dtype: ScalarType.Bool);
        for (int k = 1; k < cycles; k += 2) mask[k, TensorIndex.Colon, k / 2 % 2] = false;
        return (model, network, prior, context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = twin[Columns.Observation].clone(), [Columns.Truth] = twin[Columns.Truth].clone(),
                [Columns.ObservationMask] = mask }, twin.Times));
    }

    // All states and observations as one normal distribution.
    private static (Tensor Mean, Tensor Variance, double[] LogLikelihood) ByMatrices(LinearDynamics model, ObservationNetwork network,
        GaussianInitialCondition prior, MemoryTrajectoryView view, int steps)
    {
        Tensor m = model.Advance(eye(3, dtype: ScalarType.Float64), new(0, 1)).mT, q = model.ModelError!.ToMatrix(ScalarType.Float64, CPU),
            r = network.Error.ToMatrix(ScalarType.Float64, CPU);
        Tensor h = network.Operator.Apply(eye(3, dtype: ScalarType.Float64)).mT;
        int cycles = (int)view.CycleCount!.Value, n = 3;
        var mean = new List<Tensor>();
        var covariance = zeros(n * cycles, n * cycles, dtype: ScalarType.Float64);
        Tensor x = prior.Mean, p = prior.Covariance.ToMatrix(ScalarType.Float64, CPU);
        for (int k = 0; k < cycles; k++)
        {
            for (int step = 0; step < steps; step++)
            {
                x = m.matmul(x);
                p = m.matmul(p).matmul(m.mT) + q;
            }
            mean.Add(x);
            var cross = p;
            for (int later = k; later < cycles; later++)
            {
                covariance.narrow(0, n * k, n).narrow(1, n * later, n).copy_(cross);
                covariance.narrow(0, n * later, n).narrow(1, n * k, n).copy_(cross.mT);
                for (int step = 0; step < steps; step++) cross = cross.matmul(m.mT);
            }
        }
        var prior0 = cat(mean, 0);
        var means = new List<Tensor>();
        var variances = new List<Tensor>();
        var likelihoods = new List<double>();
        for (int b = 0; b < view.Schema.Batch; b++)
        {
            List<Tensor> rows = [], values = [], errors = [];
            for (int k = 0; k < cycles; k++)
            {
                var there = view[Columns.ObservationMask][k, b];
                var row = zeros(2, n * cycles, dtype: ScalarType.Float64);
                row.narrow(1, n * k, n).copy_(h);
                rows.Add(row[there]);
                values.Add(view[Columns.Observation][k, b][there]);
                errors.Add(r[there].mT[there]);
            }
            Tensor H = cat(rows, 0), y = cat(values, 0), R = block_diag([.. errors]);
            var s = H.matmul(covariance).matmul(H.mT) + R;
            var d = y - H.matmul(prior0);
            var gain = covariance.matmul(H.mT).matmul(linalg.inv(s));
            means.Add((prior0 + gain.matmul(d)).reshape(cycles, n));
            variances.Add((covariance - gain.matmul(H).matmul(covariance)).diagonal().reshape(cycles, n));
            likelihoods.Add(
                -0.5 * (y.size(0) * Math.Log(2 * Math.PI) + 2 * linalg.cholesky(s).diagonal().log().sum(0L).ToDouble() +
                    d.dot(linalg.inv(s).matmul(d)).ToDouble()));
        }
        return (stack(means, 1), stack(variances, 1), [.. likelihoods]);
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Smoother_and_log_likelihood_are_those_of_the_joint_distribution(int steps)
    {
        using var scope = NewDisposeScope();
        var (model, network, prior, view) = System(7, steps);
        var system = new AssimilationSystem(model, network) { Initial = prior };
        var (mean, variance, expected) = ByMatrices(model, network, prior, view, steps);
        var smoother = context.Analysis.RauchTungStriebelSmoother(system);
        var filter = context.Analysis.KalmanFilter(system);
        using ITrajectoryCursor cursor = smoother.Transform(view).OpenCursor(), filtered = filter.Transform(view).OpenCursor();
        for (int k = 0; cursor.MoveNext() && filtered.MoveNext(); k++)
        {
            Near(mean[k], cursor[Columns.Smoothed]);
            Near(variance[k].sqrt(), cursor[Columns.SmoothedSpread]);
            Near(filtered[Columns.Analysis], cursor[Columns.Analysis]);
            if (k == 6) Near(cursor[Columns.Analysis], cursor[Columns.Smoothed]);
        }
        var likelihood = new LogLikelihood(network);
        var of = context.Scores.Evaluate(filter.Transform(view), new() { Scores = [likelihood] }).Of(likelihood);
        for (int b = 0; b < 2; b++) Assert.Equal(expected[b], of[b], 1e-9);
    }

    // Constant velocity: the error is of rank one and the start is known, so that forecasts' covariances are singular at first.
    [Fact]
    public void Singular_covariances_are_smoothed()
    {
        using var scope = NewDisposeScope();
        Tensor m = D(new[,] { { 1.0, 1 }, { 0, 1 } }), pa = zeros(1, 2, 2, dtype: ScalarType.Float64),
            q = D(new[,] { { 0.25, 0.5 }, { 0.5, 1 } });
        var model = new LinearDynamics(m);
        // rank one
        var analysis = new GaussianMemory(tensor(new[,] { { 1.0, 2 } }), D(new[,] { { 4.0, 2 }, { 2, 1 } }).unsqueeze(0));
        // rank one
        var forecast = new GaussianMemory(analysis.Mean.matmul(m.mT), m.matmul(analysis.Covariance).matmul(m.mT));
        // within its range
        var smoothed = new GaussianMemory(forecast.Mean + tensor(new[,] { { 3.0, 1 } }), 0.5 * forecast.Covariance);
        var back = new RauchTungStriebelStep(model).Back(analysis, forecast, smoothed, new(0, 1));
        // Without error in the interval the past is the future taken back: M^-1.
        var inverse = linalg.inv(m);
        Near(smoothed.Mean.matmul(inverse.mT), back.Mean);
        Near(inverse.matmul(smoothed.Covariance).matmul(inverse.mT), back.Covariance);
        var known = new RauchTungStriebelStep(model)
            .Back(new(analysis.Mean, pa), new(forecast.Mean, pa), new(forecast.Mean + 1, pa), new(0, 1));
        Near(analysis.Mean, known.Mean);
    }

    // Raanes 2016: with N - 1 <= n the ensemble smoother that goes back is the one that takes every transform along to the past.
    [Fact]
    public void The_ensemble_smoother_is_the_ensemble_Kalman_smoother()
    {
        using var scope = NewDisposeScope();
        const int n = 8, members = 5, cycles = 5;
        var model = new Lorenz96(n) { ModelError = ErrorCovariance.Scalar(n, 0.01) };
        var network = ObservationNetwork.Strided(model.Dimension, 2, 0.5);
        var start = new GaussianInitialCondition(2 + arange(n, dtype: ScalarType.Float64) / 4, ErrorCovariance.Scalar(n, 0.5));
        var system = new AssimilationSystem(model, network) { Initial = start };
        using var view = context.Data.Twin(system, new() { Batch = 2, Cycles = cycles }).Materialise();
        var etkf = new EnsembleTransformKalmanFilter { Members = members };
        var filter = etkf.For(system, context);
        var past = new List<Tensor>();
        using (var run = filter.Run(view))
            while (run.MoveNext())
            {
                Tensor e = run.Forecast.Members, mean = e.mean([1], keepdim: true), y = network.Operator.Apply(e),
                    ym = y.mean([1], keepdim: true);
                Tensor s = (y - ym) / Math.Sqrt(0.5), d = (run[Columns.Observation].unsqueeze(1) - ym) / Math.Sqrt(0.5);
                var (values, vectors) = linalg.eigh(s.matmul(s.mT) + (members - 1) * eye(members, dtype: ScalarType.Float64));
                var inverse = (vectors / values.unsqueeze(1)).matmul(vectors.mT);
                var t = Math.Sqrt(members - 1) * (vectors / values.sqrt().unsqueeze(1)).matmul(vectors.mT);
                var weights = d.matmul(s.mT).matmul(inverse) + t;                                     // 1 w + T, rows
                Tensor Taken(Tensor ensemble) =>
                    ensemble.mean([1], keepdim: true) + weights.matmul(ensemble - ensemble.mean([1], keepdim: true));
                Near(Taken(e), run.Analysis.Members, 1e-9);
                past = [.. past.Select(Taken), run.Analysis.Members.clone()];
            }
        using var cursor = context.Analysis.EnsembleKalmanSmoother(system, new() { Filter = etkf }).Transform(view).OpenCursor();
        for (int k = 0; cursor.MoveNext(); k++)
        {
            Near(past[k].mean([1]), cursor[Columns.Smoothed], 1e-8);
            Near(past[k].std(1, unbiased: true), cursor[Columns.SmoothedSpread], 1e-8);
        }
    }

    [Fact]
    public void The_ensemble_smoother_and_likelihood_come_to_those_of_the_linear_system()
    {
        using var scope = NewDisposeScope();
        var (model, network, prior, view) = System(6, 1);
        var system = new AssimilationSystem(model, network) { Initial = prior };
        var (mean, variance, expected) = ByMatrices(model, network, prior, view, 1);
        var etkf = new EnsembleTransformKalmanFilter { Members = 4_000 };
        var filter = etkf.For(system, context);
        using var cursor = context.Analysis.EnsembleKalmanSmoother(system, new() { Filter = etkf }).Transform(view).OpenCursor();
        for (int k = 0; cursor.MoveNext(); k++)
        {
            Assert.True(((cursor[Columns.Smoothed] - mean[k]) / variance[k].sqrt()).abs().max().ToDouble() < 0.1);
            Near(variance[k].sqrt(), cursor[Columns.SmoothedSpread], 0.05);
        }
        var likelihood = new LogLikelihood(network);
        var of = context.Scores.Evaluate(filter.Transform(view), new() { Scores = [likelihood] }).Of(likelihood);
        for (int b = 0; b < 2; b++) Assert.Equal(expected[b], of[b], 0.2);
    }

    // In other units the smoothed states are the same; the likelihood loses ln u for each observation.
    [Theory, InlineData(1e-12), InlineData(1e12)]
    public void The_unit_does_not_matter(double unit)
    {
        using var scope = NewDisposeScope();
        (Tensor Smoothed, Tensor Ensemble, double LogLikelihood) In(double u)
        {
            var (model, network, prior, view) = System(5, 1, 1, u);
            var system = new AssimilationSystem(model, network) { Initial = prior };
            using var cursor = context.Analysis.RauchTungStriebelSmoother(system).Transform(view).OpenCursor();
            cursor.MoveNext();
            var etkf = new EnsembleTransformKalmanFilter { Members = 10 };
            var filter = etkf.For(system, context);
            using var ensemble = context.Analysis.EnsembleKalmanSmoother(system, new() { Filter = etkf }).Transform(view).OpenCursor();
            ensemble.MoveNext();
            var likelihood = new LogLikelihood(network);
            double of = context.Scores.Evaluate(filter.Transform(view), new() { Scores = [likelihood] }).Of(likelihood)[0];
            long count = view[Columns.ObservationMask].sum().ToInt64();
            return (cursor[Columns.Smoothed] / u, ensemble[Columns.Smoothed] / u, of + count * Math.Log(u));
        }
        var (expected, other) = (In(1), In(unit));
        Near(expected.Smoothed, other.Smoothed, 1e-10);
        Near(expected.Ensemble, other.Ensemble, 1e-10);
        Assert.Equal(expected.LogLikelihood, other.LogLikelihood, 1e-8);
    }

    [Fact]
    public void What_cannot_be_smoothed_is_refused_and_a_smoother_is_saved()
    {
        using var scope = NewDisposeScope();
        var (model, network, prior, view) = System(4, 1);
        Assert.Contains("this filter inflates them",
            Assert.Throws<ArgumentException>(() =>
                context.Analysis.RauchTungStriebelSmoother(new AssimilationSystem(model, network) { Initial = prior },
                    new() { Filter = new ExtendedKalmanFilter { CovarianceGrowthPerTimeUnit = 2 } })).Message);
        var smoother = context.Analysis.RauchTungStriebelSmoother(new AssimilationSystem(model, network) { Initial = prior });
        Assert.Contains("this view is endless",
            Assert.Throws<ArgumentException>(() =>
                smoother.Transform(context.Data.Twin(new AssimilationSystem(model, network) { Initial = prior }))).Message);
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            ModelArchive.Write(smoother, path);
            var registry = new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]);
            using ITrajectoryCursor one = smoother.Transform(view).OpenCursor(),
                other = ModelArchive.Read<ITransformer>(path, registry, context).Transform(view).OpenCursor();
            while (one.MoveNext() && other.MoveNext())
                Assert.Equal(one[Columns.Smoothed].reshape(-1).ToArray<double>(), other[Columns.Smoothed].reshape(-1).ToArray<double>());
        }
        finally { File.Delete(path); }
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance = 1e-10) =>
        Assert.True((expected - actual).abs().max().ToDouble() <= tolerance * (1 + expected.abs().max().ToDouble()),
            $"{(expected - actual).abs().max().ToDouble()}");
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Diagnostics of analyzers along a run, on analyzers and views of which the answer is known.</summary>
public sealed class AnalyzerDiagnosticsTests
{
    private readonly DataAssimilationContext context = new(17);

    // a(x, delta) = offset + gain delta + curvature delta |delta|, component by component, offset following the cycle's time.
    private sealed class KnownAnalyzer(double gain, double curvature, Func<double, double> offset) : IAnalyzer<StateMemory>
    {
        public string Name => "known";

        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random)
        {
            var delta = observation.Values - forecast.State;
            if (observation.Mask is not null) delta = delta.masked_fill(observation.Mask.logical_not(), 0);
            return new(forecast.State + offset(observation.Time) + gain * delta + curvature * delta * delta.abs());
        }
    }

    private (SequentialAssimilation<StateMemory> Method, IObservationNetwork Network, ITrajectoryView Twin) Known(double gain,
        double curvature = 0,
        Func<double, double>? offset = null, int cycles = 40, IObservationPattern? pattern = null)
    {
        var model = new Lorenz96(dimension: 6);
        var network = new ObservationNetwork(ObservationNetwork.Full(model.Dimension).Operator, ErrorCovariance.Scalar(6, 1), pattern);
        var initial = new GaussianInitialCondition(full(6, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(6, 1));
        var system = new AssimilationSystem(model, network) { Initial = initial };
        var triple = new AssimilationTriple<StateMemory>(new KnownAnalyzer(gain, curvature, offset ?? (_ => 0)), new StatePropagater(model),
            new StateProcoder(), new StateSource(initial, ScalarType.Float64));
        return (new("known", triple, network, context), network, context.Data.Twin(system, new() { Batch = 2, Cycles = cycles }));
    }

    [Fact]
    public void The_bias_is_the_mean_and_the_deviation_of_what_an_analyzer_adds_to_confirmed_forecasts()
    {
        // 0.1 and 0.3 in turn: mean 0.2, standard deviation 0.1.
        var (method, network, twin) = Known(0.5, 0, time => Math.Round(time / 0.05) % 2 == 0 ? 0.1 : -0.3);
        var score = new AnalysisBiasScore();
        var bias = context.Scores.Evaluate(context.Transforms.KalmanGain(method, network).Transform(twin), new() { Scores = [score] })
            .Of(score);
        Assert.Equal(0.2, bias.Mean.Mean, 1e-12);
        Assert.Equal(0.1, bias.StandardDeviation.Mean, 1e-12);

        var (linear, same, view) = Known(0.5);
        var none = context.Scores.Evaluate(context.Transforms.KalmanGain(linear, same).Transform(view), new() { Scores = [score] })
            .Of(score);
        Assert.Equal((0.0, 0.0), (none.Mean.Mean, none.StandardDeviation.Mean));
    }

    [Theory]
    [InlineData(IncrementNorm.Standardised)]
    [InlineData(IncrementNorm.Euclidean)]
    public void Increments_of_a_linear_analyzer_scale_as_the_innovation_and_those_of_a_quadratic_as_its_square(IncrementNorm norm)
    {
        double[] scales = [0.25, 1, 3, 10];
        var score = new IncrementScalingScore(scales);
        IncrementScalingCurve Curve((SequentialAssimilation<StateMemory> Method, IObservationNetwork Network, ITrajectoryView Twin) of) =>
            context.Scores.Evaluate(context.Transforms.IncrementScaling(of.Method, of.Network, scales, norm).Transform(of.Twin),
                new() { Scores = [score] }).Of(score);

        // An offset is no part of what scales.
        var linear = Curve(Known(0.4, 0, _ => 0.7));
        var squared = Curve(Known(0, 0.05, cycles: 10));
        for (int i = 0; i < scales.Length; i++)
        {
            double lambda = scales[i];
            Assert.Equal(lambda, linear.Means[i].Mean, 1e-10 * lambda);
            Assert.Equal(lambda, linear.Low[i], 1e-10 * lambda);
            Assert.Equal(lambda, linear.High[i], 1e-10 * lambda);
            Assert.Equal(lambda * lambda, squared.Means[i].Mean, 1e-10 * lambda * lambda);
        }
        // Between the two powers where both are, never the same in all cycles.
        var mixed = Curve(Known(0.2, 0.05));
        Assert.InRange(mixed.Means[3].Mean, 10.5, 99);
        Assert.True(mixed.Low[3] < mixed.Median[3] && mixed.Median[3] < mixed.High[3]);
        Assert.Equal(1, mixed.Means[1].Mean, 1e-12);
    }

    [Fact]
    public void Increments_scale_for_a_Kalman_filter_with_missing_observations_and_for_an_ensemble_of_few_members()
    {
        double[] scales = [0.5, 4];
        var score = new IncrementScalingScore(scales);
        var model = new Lorenz96(dimension: 8);
        var initial = new GaussianInitialCondition(full(8, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(8, 1));
        var network = new ObservationNetwork(ObservationNetwork.Full(model.Dimension).Operator, ErrorCovariance.Scalar(8, 1),
            new MissingAtRandomPattern(0.4));
        var system = new AssimilationSystem(model, network) { Initial = initial };
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 20 });
        var view = context.Transforms.IncrementScaling(context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 4 }),
            network, scales).Transform(twin);
        var curve = context.Scores.Evaluate(view, new() { Scores = [score] }).Of(score);
        for (int i = 0; i < 2; i++) Assert.Equal(scales[i], curve.Means[i].Mean, 1e-8);
        Assert.Throws<ArgumentOutOfRangeException>(() => new IncrementScalingScore([1, 0]));
        Assert.Throws<ArgumentException>(() => new IncrementScalingScore([]));
    }

    [Fact]
    public void Covariances_of_several_methods_stand_beside_each_other_along_one_run()
    {
        using var scope = NewDisposeScope();
        var model = new LinearDynamics(0.95 * eye(3, dtype: ScalarType.Float64))
            { ModelError = ErrorCovariance.Diagonal(tensor([0.1, 0.2, 0.4])) };
        var network = ObservationNetwork.Full(model.Dimension, errorVariance: 2);
        var system = new AssimilationSystem(model, network);
        var initial = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(3, 1));
        var twin = context.Data.Twin(system with { Initial = initial }, new() { Batch = 2, Cycles = 12 });
        var filter = context.Analysis.KalmanFilter(system with { Initial = initial });
        Column own = new("own"), regressed = new("regressed"), wide = new("wide");
        var wideStart =
            context.Analysis.KalmanFilter(system with
                { Initial = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(3, 100)) });
        var view = context.Transforms.AnalysisCovariance(wideStart, wide).Transform(
            context.Transforms.AnalysisCovariance(filter, network, regressed).Transform(
                context.Transforms.AnalysisCovariance(filter, own).Transform(filter.Transform(twin))));

        // The view's own columns are not those of a method that runs beside.
        using var alone = filter.Run(twin);
        using var beside = view.OpenCursor();
        while (alone.MoveNext() && beside.MoveNext())
        {
            Assert.Equal(0, (beside[Columns.Analysis] - alone[Columns.Analysis]).abs().max().ToDouble());
            Assert.Equal(0, (beside[own] - alone.Analysis.Covariance).abs().max().ToDouble());
            Assert.True((beside[regressed] - alone.Analysis.Covariance).abs().max().ToDouble() < 1e-10);
        }

        CovarianceDistanceScore same = new(own, regressed) { Every = 3 }, other = new(own, wide),
            constant = new(own, ErrorCovariance.Scalar(3, 0.25), "a quarter");
        EigenspectrumScore spectrum = new(own), third = new(regressed) { Every = 4 };
        var report = context.Scores.Evaluate(view, new() { BurnIn = 1, Scores = [same, other, constant, spectrum, third] });
        Assert.InRange(report[same].Mean, 0, 1e-5);
        double[] values = new double[3], every = new double[3];
        double distance = 0;
        using var again = filter.Run(twin);
        int taken = 0;
        while (again.MoveNext())
        {
            if (again.Cycle < 1) continue;
            double[] variances = again.Analysis.Covariance[0].diagonal().data<double>().ToArray();
            for (int i = 0; i < 3; i++) values[2 - i] += variances[i] / 11;
            distance += Math.Sqrt(variances.Sum(v => Math.Pow(Math.Sqrt(v) - 0.5, 2))) / 3 / 11;
            if ((again.Cycle - 1) % 4 != 0) continue;
            taken++;
            for (int i = 0; i < 3; i++) every[2 - i] += variances[i];
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(values[i], report.Of(spectrum)[i].Mean, 1e-12);
            Assert.Equal(every[i] / taken, report.Of(third)[i].Mean, 1e-9);
        }
        Assert.Equal(distance, report[constant].Mean, 1e-10);
        Assert.True(report[other].Mean > 1e-4);
    }

    [Fact]
    public void Principal_angles_are_averaged_over_time_and_against_random_subspaces()
    {
        using var scope = NewDisposeScope();
        const int cycles = 300, n = 10;
        Column covariance = new("covariance"), vectors = new("vectors");
        // In the plane of the axes 0 and 1, against one turned out of it by 20 and by 40 degrees in turn.
        var p = diag(tensor([5.0, 4, 1, 1, 1, 1, 1, 1, 1, 1])).expand(cycles, 1, n, n);
        var v = zeros(cycles, 1, 3, n, dtype: ScalarType.Float64);
        for (int k = 0; k < cycles; k++)
        {
            double angle = (k % 2 == 0 ? 20 : 40) * Math.PI / 180;
            (v[k, 0, 0, 0], v[k, 0, 1, 1], v[k, 0, 1, 2], v[k, 0, 2, 5]) = (1, Math.Cos(angle), Math.Sin(angle), 1);
        }
        using var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor> { [covariance] = p, [vectors] = v },
            [.. Enumerable.Range(1, cycles).Select(i => (double)i)], 0);
        var leading = Subspace.LeadingDirections(covariance, 2);
        PrincipalAngleScore turned = new(leading, Subspace.FirstVectors(vectors, 2)),
            odd = new(leading, Subspace.FirstVectors(vectors, 1 + 1)) { Every = 2 };
        var random = new PrincipalAngleScore(Subspace.FirstVectors(vectors, 2), Subspace.Random(context, n, 2));
        var report = context.Scores.Evaluate(view, new() { Scores = [turned, random] });
        Assert.Equal(0, report.Of(turned)[0].Mean, 1e-6);
        Assert.Equal(30, report.Of(turned)[1].Mean, 1e-9);
        Assert.Equal(40, context.Scores.Evaluate(view, new() { BurnIn = 1, Scores = [odd] }).Of(odd)[1].Mean, 1e-9);
        // Of random subspaces sum cos^2 of the angles is k^2 / n in the mean: with 300 draws some 0.02 away at most.
        var sum = report.Figures(random);
        double mean = 0;
        using var cursor = view.OpenCursor();
        while (cursor.MoveNext())
        {
            using var stream = context.Random($"random-subspace/2/{cursor.Cycle}");
            var angles = CovarianceComparison.PrincipalAngles(cursor[vectors].narrow(1, 0, 2),
                stream.Normal([1, 2, n], ScalarType.Float64));
            mean += (angles * (Math.PI / 180)).cos().square().sum().ToDouble() / cycles;
        }
        Assert.Equal(4.0 / n, mean, 0.05);
        Assert.InRange(sum[1].Mean, sum[0].Mean + 5, 90);
        Assert.Contains("2 vectors of 2",
            Assert.Throws<ArgumentException>(() =>
                new PrincipalAngleScore(leading, Subspace.FirstVectors(vectors, 3))).Message.Replace("leading directions of covariance",
                "vectors"));
    }

    [Fact]
    public void Histograms_of_normal_numbers_are_normal_and_the_variance_is_that_of_the_projected_innovations()
    {
        // x_f = 0 always, truth 0: the innovation is the observation error; R = 4, so H^T R^-1 d has variance 1/4.
        const int cycles = 4000, n = 5;
        using var random = context.Random("histogram");
        using var scope = NewDisposeScope();
        var d = 2 * random.Normal([cycles, 2, n], ScalarType.Float64);
        using var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = d, [Columns.Forecast] = zeros(cycles, 2, n, dtype: ScalarType.Float64),
            [Columns.Analysis] = 0.5 * d.square() * d.sign(),
        }, [.. Enumerable.Range(1, cycles).Select(i => (double)i)], 0);
        var model = new Lorenz96(dimension: n);
        var network = ObservationNetwork.Full(model.Dimension, errorVariance: 4);
        ProjectedInnovationHistogram innovations = new(network, HistogramBins.Symmetric(1.5, 30));
        IncrementHistogram increments = new(HistogramBins.Symmetric(20, 40));
        var report = context.Scores.Evaluate(view, new() { Scores = [innovations, increments] });
        var histogram = report.Of(innovations);
        Assert.Equal(0.5, histogram.StandardDeviation.Mean, 4 * histogram.StandardDeviation.StandardError);
        Assert.InRange(histogram.StandardDeviation.StandardError, 0.5 / Math.Sqrt(2 * 40000) * 0.6, 0.5 / Math.Sqrt(2 * 40000) * 1.7);
        Assert.Equal(0, histogram.Mean.Mean, 4 * histogram.Mean.StandardError);
        Assert.Equal(0, histogram.Skewness.Mean, 0.06);
        Assert.Equal(0, histogram.ExcessKurtosis.Mean, 0.12);
        Assert.Equal(1, histogram.Densities.Sum() * 0.1 + histogram.Below + histogram.Above, 1e-12);
        Assert.Equal(0.00135, histogram.Below, 0.001);      // below three standard deviations
        for (int i = 0; i < 30; i++) Assert.Equal(histogram.NormalDensity(-1.45 + 0.1 * i), histogram.Densities[i], 0.03);
        // d |d| / 2 has E z^2 = 3 sigma^4 / 4 = 12 and kurtosis E z^8 / (E z^4)^2 = 105 / 9.
        Assert.Equal(Math.Sqrt(12), report.Of(increments).StandardDeviation.Mean, 0.15);
        Assert.Equal(105.0 / 9 - 3, report.Of(increments).ExcessKurtosis.Mean, 3.0);

        Assert.Throws<ArgumentException>(() => new HistogramBins(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HistogramBins(0, 1, 0));
    }

    [Fact]
    public void Components_without_observation_are_no_innovations()
    {
        var (method, network, twin) = Known(0.5, cycles: 200, pattern: new MissingAtRandomPattern(0.7));
        ProjectedInnovationHistogram innovations = new(network, HistogramBins.Symmetric(8, 16));
        var histogram = context.Scores.Evaluate(method.Transform(twin), new() { Scores = [innovations] }).Of(innovations);
        double square = 0, count = 0;
        using var cursor = method.Transform(twin).OpenCursor();
        while (cursor.MoveNext())
        {
            using var scope = NewDisposeScope();
            var mask = cursor[Columns.ObservationMask];
            var d = (cursor[Columns.Observation] - cursor[Columns.Forecast]).masked_fill(mask.logical_not(), 0);
            square += d.square().sum().ToDouble();
            count += mask.sum().ToDouble();
        }
        Assert.Equal(Math.Sqrt(square / count), histogram.StandardDeviation.Mean, 0.15 * Math.Sqrt(square / count));
        Assert.InRange(count, 1, 0.5 * 200 * 2 * 6);
    }

    [Fact]
    public void Quantiles_are_those_of_the_cycles_and_memory_does_not_grow_with_them()
    {
        // 10,000 cycles of 0, 1, 2, ... in an order without a period that thinning could meet.
        const int cycles = 10_000;
        var values = arange(cycles, dtype: ScalarType.Float64) * 7919 % cycles;
        using var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor> { [AnalysisBiasScore.Bias] = values.reshape(cycles, 1) },
            [.. Enumerable.Range(1, cycles).Select(i => (double)i)], 0);
        var score = new AnalysisBiasScore();
        var figures = context.Scores.Evaluate(view, new() { Scores = [score] }).Figures(score);
        foreach (double share in (double[])[0.05, 0.5, 0.95]) Assert.Equal(share * cycles, figures.Quantile(0, share), 0.01 * cycles);
        var sample = new ThinnedCycles(2);
        for (int i = 0; i < 100_000; i++) sample.Add([i, -i]);
        Assert.InRange(sample.Of(0).Count(), 2048, 4096);
        Assert.Equal(sample.Of(0).Order(), sample.Of(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => figures.Quantile(0, 1.5));
    }

    [Fact]
    public void Figures_show_what_was_measured()
    {
        static TimeAverage At(double value) => new(value, 0.1, [], []);
        var curve = new IncrementScalingCurve([4, 1], [At(9), At(1)], [5, 1], [8, 1], [20, 1]);
        var scaling = DiagnosticFigures.IncrementScaling("scaling", [new("0.5", curve)]);
        Assert.Equal([1.0, 4.0], scaling.Series[0].X);
        Assert.Equal([1.0, 9.0], scaling.Series[0].Y);
        Assert.Equal(scaling.Series[1].X, scaling.Series[1].Y);
        Assert.Equal([1.0, 20.0], DiagnosticFigures.IncrementScaling("one", curve).Series[3].Y);

        var bins = new HistogramBins(-2, 2, 4);
        var histogram = new SampleHistogram(bins, [0, 0.5, 0.4, 0.1], [0, 0, 0, 0], 0, 0, At(0.1), At(0.8), At(0), At(0));
        var drawn = DiagnosticFigures.Histogram("innovations", new Axis("d"), histogram);
        Assert.Equal([-2.0, -1, 0, 1, 2], drawn.Edges);
        Assert.Equal(1 / (0.8 * Math.Sqrt(2 * Math.PI)), drawn.Curves[0].Y.Max(), 1e-3);
        var lines = DiagnosticFigures.Histograms("innovations", new Axis("d"), [new("a", histogram)]);
        Assert.Equal([-1.5, -0.5, 0.5, 1.5], lines.Series[0].X);
        Assert.Equal([double.NaN, 0.5, 0.4, 0.1], lines.Series[0].Y);

        var spectra = DiagnosticFigures.Eigenspectra("spectra", [new("a", [At(2), At(0.1), At(-1e-17)])]);
        Assert.Equal([2.0, 0.1, double.NaN], spectra.Series[0].Y);
        var angles = DiagnosticFigures.PrincipalAngles("angles", [new("a", [At(2), At(80)])]);
        Assert.Equal([2.0, 80], angles.Series[0].Y);
        foreach (Figure figure in (Figure[])[scaling, drawn, lines, spectra, angles])
            Assert.StartsWith("<svg", figure.ToSvg().TrimStart()[..4]);
        Assert.Throws<ArgumentException>(() => DiagnosticFigures.Eigenspectra("none", []));
    }

    [Fact]
    public void A_score_of_every_kth_cycle_reads_no_other()
    {
        const int cycles = 100;
        var counting = new Counting { Every = 7 };
        var values = arange(cycles, dtype: ScalarType.Float64).reshape(cycles, 1);
        using var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor> { [AnalysisBiasScore.Bias] = values },
            [.. Enumerable.Range(1, cycles).Select(i => (double)i)], 0);
        var average = context.Scores.Evaluate(view, new() { BurnIn = 10, Scores = [counting] })[counting];
        // Once at the start, to see how many figures there are, then 10, 17, ..., 94.
        Assert.Equal([0, .. Enumerable.Range(0, 13).Select(k => 10 + 7 * k)], counting.Seen);
        Assert.Equal(52, average.Mean, 1e-12);
        Assert.Equal(13, average.PerCycle.Count(double.IsFinite));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Scores.Evaluate(view, new() { Scores = [new Counting { Every = 0 }] }));
    }

    private sealed class Counting : IScore
    {
        public List<int> Seen { get; } = [];
        public string Name => "counting";
        public IReadOnlyList<Column> Requires => [AnalysisBiasScore.Bias];
        public long Every { get; init; } = 1;

        public Tensor Of(ScoredCycle cycle)
        {
            Seen.Add((int)cycle.Cycle);
            return cycle[AnalysisBiasScore.Bias].alias();
        }
    }
}

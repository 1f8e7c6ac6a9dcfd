using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Analyzer, propagater and procoder as networks: what they compute, refuse and keep.</summary>
public sealed class NetworkTripleTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(3, "network triple", CPU);

    public void Dispose()
    {
        scope.Dispose();
        random.Dispose();
    }

    private static AssimilationTriple<VectorMemory> Triple(long memory, long n, long p, DensityForm? form = null,
        MissingObservations missing = MissingObservations.Refused, long layers = 3, double timeStep = 0.5)
    {
        using var weights = new RandomStream(4, "weights", CPU);
        var analyzer = new NetworkAnalyzer(memory, layers, missing, [.. Enumerable.Repeat(0.5, (int)p)],
            [.. Enumerable.Repeat(2.0, (int)p)], ScalarType.Float64, CPU);
        var propagater = new NetworkPropagater(memory, layers, timeStep, ScalarType.Float64, CPU);
        var procoder = new NetworkProcoder(memory, form
            ?? DensityForm.Triangular, [.. Enumerable.Repeat(1.0, (int)n)], [.. Enumerable.Repeat(3.0, (int)n)], ScalarType.Float64, CPU);
        foreach (var part in new nn.Module[] { analyzer, propagater, procoder })
        {
            ModuleState.DrawWeights(part, weights);
            // Opened skips, so that every layer matters.
            using (no_grad())
                foreach (var (name, parameter) in part.named_parameters()) if (name.Contains("alphas", StringComparison.Ordinal))
                    parameter.fill_(0.3);
            ModuleState.Freeze(part);
        }
        return new(analyzer, propagater, procoder, new ZeroMemorySource(memory, ScalarType.Float64));
    }

    [Fact]
    public void A_ReZero_layer_is_what_equation_5_5_says()
    {
        var network = new ReZeroNetwork(3, 2, 3, ScalarType.Float64, CPU);
        ModuleState.DrawWeights(network, random);
        using (no_grad())
        {
            network.get_parameter("alphas.0")!.fill_(0.7);
            network.get_parameter("alphas.1")!.fill_(-0.2);
        }
        Tensor Of(string name) => network.get_parameter(name)!;
        var x = random.Normal([5, 3], ScalarType.Float64);
        Tensor Layer(Tensor input, int i)
        {
            var inner = input.matmul(Of($"layers.{i}.weight").T) + Of($"layers.{i}.bias");
            return input + Of($"alphas.{i}") * where(inner > 0, inner, 0.01 * inner);
        }
        var expected = Layer(Layer(x, 0), 1).matmul(Of("last.weight").T) + Of("last.bias");
        Assert.True((network.call(x) - expected).abs().max().ToDouble() < 1e-14);
        // Skips start closed: the layers before the last pass their input on.
        var fresh = new ReZeroNetwork(3, 3, 6, ScalarType.Float64, CPU);
        Assert.True((fresh.call(x) - (x.matmul(fresh.get_parameter("last.weight")!.T) + fresh.get_parameter("last.bias")!)).abs().max()
            .ToDouble() < 1e-15);
    }

    [Fact]
    public void The_numbers_of_a_triangular_density_lie_as_in_equation_5_7()
    {
        // n = 3: mean 0..2, logarithms of the diagonal 3..5, below it first (1,0), (2,1), then the corner (2,0).
        var numbers = tensor(new double[] { 1, 2, 3, 0.1, 0.2, 0.3, 10, 20, 30 }).unsqueeze(0);
        var density = (TriangularGaussianDensity)DensityForm.Triangular.Read(numbers, zeros(3, dtype: ScalarType.Float64),
            ones(3, dtype: ScalarType.Float64));
        double[,] expected = { { Math.Exp(0.1), 0, 0 }, { 10, Math.Exp(0.2), 0 }, { 30, 20, Math.Exp(0.3) } };
        Assert.True((density.Factor[0] - tensor(expected)).abs().max().ToDouble() < 1e-15);
        Assert.Equal([1.0, 2.0, 3.0], density.Mean.data<double>().ToArray());
    }

    [Fact]
    public void Every_form_of_zeros_is_the_climatology_and_takes_the_states_units()
    {
        var center = tensor(new double[] { 1, -2 });
        var unit = tensor(new double[] { 3, 0.5 });
        foreach (var form in new[]
            { DensityForm.Triangular, DensityForm.Diagonal, DensityForm.LowRank(1), DensityForm.Mixture(3),
                DensityForm.Mixture(2, DensityForm.Diagonal) })
        {
            var density = form.Read(zeros(4, form.Size(2), dtype: ScalarType.Float64), center, unit);
            Assert.True((density.Mean - center).abs().max().ToDouble() < 1e-14, form.ToString());
            Assert.True((density.StandardDeviation - unit).abs().max().ToDouble() < 1e-14, form.ToString());
            // A change of units: q(x) dx = q(z) dz.
            var numbers = 0.5 * random.Normal([4, form.Size(2)], ScalarType.Float64);
            var state = random.Normal([4, 2], ScalarType.Float64);
            var standard = form.Read(numbers, zeros_like(center), ones_like(unit)).LogDensity((state - center) / unit);
            Assert.True((form.Read(numbers, center, unit).LogDensity(state) - (standard - Math.Log(1.5))).abs().max().ToDouble() < 1e-12,
                form.ToString());
        }
        Assert.Throws<ArgumentException>(() => DensityForm.Mixture(2, DensityForm.Mixture(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => DensityForm.Mixture(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => DensityForm.LowRank(0));
    }

    [Fact]
    public void The_loop_is_the_recursion_of_equation_4_1_step_by_step()
    {
        var context = new DataAssimilationContext(1);
        var dynamics = new LinearDynamics(tensor(new[,] { { 0.9, 0.2 }, { -0.1, 0.8 } }), 0.5)
            { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var observing = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, observing) { Interval = 1 };
        var view = context.Data.Twin(system, new() { Batch = 3, Cycles = 6 });
        var triple = Triple(5, 2, 2);
        var method = new SequentialAssimilation<VectorMemory>("dan", triple, observing, context);
        using var run = method.Run(view);
        var memory = zeros(3, 5, dtype: ScalarType.Float64);
        while (run.MoveNext())
        {
            // an interval of two time steps
            var prior = ((NetworkPropagater)triple.Propagater).call(((NetworkPropagater)triple.Propagater).call(memory));
            var observation = (run[Columns.Observation] - 0.5) / 2;
            var posterior = ((NetworkAnalyzer)triple.Analyzer).call(prior, observation);
            Bits.Equal(prior, run.Forecast.Vector);
            Bits.Equal(posterior, run.Analysis.Vector);
            Bits.Equal(triple.Procoder.Decode(new(prior)).Mean, run[Columns.Forecast]);
            Bits.Equal(triple.Procoder.Decode(new(posterior)).StandardDeviation, run[Columns.AnalysisSpread]);
            memory = posterior;
        }
    }

    [Fact]
    public void Prediction_without_observations_applies_the_propagater_as_often_as_the_horizon_has_steps()
    {
        var context = new DataAssimilationContext(1);
        var dynamics = new LinearDynamics(eye(2, dtype: ScalarType.Float64), 0.5) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
        var observing = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, observing) { Initial = new AttractorInitialCondition(dynamics, 500) };
        var triple = Triple(5, 2, 2);
        using var run = new SequentialAssimilation<VectorMemory>("dan", triple, observing, context)
            .Run(context.Data.Twin(system, new() { Batch = 2, Cycles = 4 }));
        run.MoveNext();
        var expected = run.Analysis.Vector;
        for (int i = 0; i < 7; i++) expected = ((NetworkPropagater)triple.Propagater).call(expected);
        Bits.Equal(expected, run.Predict(run.Time + 3.5).Vector);
        Assert.Throws<ArgumentException>(() => run.Predict(run.Time + 0.7));
    }

    /// <summary>
    /// With hand-set weights a triple is the stationary Kalman filter. Its memory is the mean and a flag that says whether it is
    /// prior or posterior, which is what the procoder needs to know for the covariance.
    /// </summary>
    [Fact]
    public void With_weights_set_by_hand_it_is_the_Kalman_filter()
    {
        var context = new DataAssimilationContext(2);
        var m = tensor(new[,] { { 0.9, 0.3 }, { -0.4, 0.8 } });
        var h = tensor(new[,] { { 1.0, 0.5 } });
        var q = tensor(new[,] { { 0.2, 0.05 }, { 0.05, 0.3 } });
        var dynamics = new LinearDynamics(m) { ModelError = ErrorCovariance.Full(q) };
        var observing = new ObservationNetwork(new LinearObservationOperator(h), ErrorCovariance.Scalar(1, 0.5), null);
        var system = new AssimilationSystem(dynamics, observing);
        var identity = eye(2, dtype: ScalarType.Float64);
        Tensor prior = q.clone(), posterior = q, gain = q;
        for (int i = 0; i < 2000; i++)   // the Riccati equation's fixed point
        {
            gain = prior.matmul(h.T) / (h.matmul(prior).matmul(h.T) + 0.5);
            var factor = identity - gain.matmul(h);
            posterior = factor.matmul(prior).matmul(factor.T) + 0.5 * gain.matmul(gain.T);
            prior = m.matmul(posterior).matmul(m.T) + q;
        }

        var analyzer = new NetworkAnalyzer(3, 1, MissingObservations.Refused, [0], [1], ScalarType.Float64, CPU);
        var propagater = new NetworkPropagater(3, 1, 1, ScalarType.Float64, CPU);
        var procoder = new NetworkProcoder(3, DensityForm.Triangular, [0, 0], [1, 1], ScalarType.Float64, CPU);
        using (no_grad())
        {
            foreach (var part in new nn.Module[] { analyzer, propagater, procoder }) foreach (var parameter in part.parameters())
                parameter.zero_();
            var a = analyzer.get_parameter("network.last.weight")!;                  // [3, 4]: (mean, flag, y) -> (mean, flag)
            a[..2, ..2] = identity - gain.matmul(h);
            a[..2, 3..] = gain;
            analyzer.get_parameter("network.last.bias")![2] = 1;                     // posterior: flag 1
            propagater.get_parameter("network.last.weight")![..2, ..2] = m;          // prior: flag 0
            Tensor Numbers(Tensor covariance)
            {
                var factor = linalg.cholesky(covariance);
                return stack([factor[0, 0].log(), factor[1, 1].log(), factor[1, 0]]);
            }
            procoder.get_parameter("layer.weight")![..2, ..2] = identity;
            procoder.get_parameter("layer.weight")![2.., 2] = Numbers(posterior) - Numbers(prior);
            procoder.get_parameter("layer.bias")![2..] = Numbers(prior);
        }
        foreach (var part in new nn.Module[] { analyzer, propagater, procoder }) ModuleState.Freeze(part);
        var network = new SequentialAssimilation<VectorMemory>("network",
            new(analyzer, propagater, procoder, new ZeroMemorySource(3, ScalarType.Float64)), observing, context);

        // The loop propagates first: the Kalman filter starts from the posterior covariance.
        var kalman =
            context.Analysis.KalmanFilter(system with
                { Initial = new GaussianInitialCondition(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Full(posterior)) });
        var view = context.Data.Twin(system, new() { Batch = 4, Cycles = 300 });
        using var ours = network.Run(view);
        using var exact = kalman.Run(view);
        while (ours.MoveNext())
        {
            Assert.True(exact.MoveNext());
            void Close(IDensity expected, IDensity actual)
            {
                Assert.True((expected.Mean - actual.Mean).abs().max().ToDouble() < 1e-12);
                Assert.True((expected.Covariance - actual.Covariance).abs().max().ToDouble() < 1e-12);
                Assert.True((expected.LogDensity(ours[Columns.Truth]) - actual.LogDensity(ours[Columns.Truth])).abs().max()
                    .ToDouble() < 1e-11);
            }
            Close(exact.ForecastDensity, ours.ForecastDensity);
            Close(exact.AnalysisDensity, ours.AnalysisDensity);
        }
    }

    [Fact]
    public void Missing_observations_are_read_or_refused_and_none_at_all_changes_nothing()
    {
        var values = random.Normal([3, 2], ScalarType.Float64);
        var memory = new VectorMemory(random.Normal([3, 5], ScalarType.Float64));
        var mask = tensor(new[] { true, true, false, false, true, true }).view(3, 2);
        var noise = where(mask, values, full_like(values, double.NaN));

        var refusing = Triple(5, 2, 2).Analyzer;
        var none = refusing.Analyze(memory, new(noise, mask, 0), random);
        Bits.Equal(memory.Vector[1], none.Vector[1]);
        Bits.Equal(refusing.Analyze(memory, new(values, null, 0), random).Vector[0], none.Vector[0]);
        var half = tensor(new[] { true, false }).expand(3, 2);
        Assert.Contains("3 of 6", Assert.Throws<ArgumentException>(() => refusing.Analyze(memory, new(values, half, 0), random)).Message);

        var reading = Triple(5, 2, 2, missing: MissingObservations.Read).Analyzer;
        var partly = reading.Analyze(memory, new(where(half, values, full_like(values, double.NaN)), half, 0), random).Vector;
        Assert.True(partly.isfinite().all().ToBoolean());
        Bits.Equal(partly, reading.Analyze(memory, new(where(half, values, full_like(values, 1e6)), half, 0), random).Vector);
        Assert.True((partly - reading.Analyze(memory, new(values, null, 0), random).Vector).abs().max().ToDouble() > 1e-3);
        Bits.Equal(reading.Analyze(memory, new(values, null, 0), random).Vector,
            reading.Analyze(memory, new(values, ones_like(mask), 0), random).Vector);
    }

    public static TheoryData<string> Forms => ["triangular", "diagonal", "low rank", "mixture"];

    [Theory, MemberData(nameof(Forms))]
    public void It_is_saved_and_read_to_the_bit(string kind)
    {
        var form = kind switch { "triangular" => DensityForm.Triangular, "diagonal" => DensityForm.Diagonal, "low rank" =>
            DensityForm.LowRank(2), _ => DensityForm.Mixture(3, DensityForm.LowRank(1)) };
        var context = new DataAssimilationContext(1);
        var dynamics = new LinearDynamics(eye(2, dtype: ScalarType.Float64), 0.5);
        var observing = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, observing) { Initial = new AttractorInitialCondition(dynamics, 500) };
        var method = new SequentialAssimilation<VectorMemory>("dan", Triple(5, 2, 2, form, MissingObservations.Read), observing, context);
        var view = context.Data.Twin(system, new() { Batch = 2, Cycles = 4 });
        using var before = method.Run(view);
        using var after = Reloaded.Of(method, context).Run(view);
        while (before.MoveNext())
        {
            Assert.True(after.MoveNext());
            Bits.Equal(before.Analysis.Vector, after.Analysis.Vector);
            Bits.Equal(before.ForecastDensity.LogDensity(before[Columns.Truth]), after.ForecastDensity.LogDensity(before[Columns.Truth]));
        }
    }

    [Fact]
    public void Units_are_those_of_each_component_and_missing_observations_do_not_count()
    {
        var context = new DataAssimilationContext(1);
        var model = new Lorenz63();
        var view = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, errorVariance: 2))
            { Interval = 0.25 }, new() { Batch = 16 });
        var statistics = SystemStatistics.Measure(view, 400);
        Assert.InRange(statistics.StateMean[2], 22, 25);
        Assert.InRange(statistics.StateDeviation[0], 7, 9);
        Assert.InRange(statistics.ObservationDeviation[0], statistics.StateDeviation[0], statistics.StateDeviation[0] + 0.5);
        var constant = new WatchedView(view, _ => { }, (_, column, value) => column == Columns.Truth
            ? where(tensor(new[] { true, false, true }), value, full_like(value, 4)) : value.alias());
        Assert.Contains("Component 1 of the true state",
            Assert.Throws<ArgumentException>(() => SystemStatistics.Measure(constant, 10)).Message);
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReZeroNetwork(0, 1, 1, ScalarType.Float64, CPU));
        Assert.Throws<ArgumentException>(() =>
            new NetworkAnalyzer(3, 1, MissingObservations.Refused, [0], [1, 1], ScalarType.Float64, CPU));
        Assert.Throws<ArgumentOutOfRangeException>(() => new NetworkPropagater(3, 1, 0, ScalarType.Float64, CPU));
        Assert.Throws<ArgumentException>(() => new NetworkProcoder(3, DensityForm.Diagonal, [], [], ScalarType.Float64, CPU));
        var triple = Triple(5, 2, 2);
        Assert.Contains("[2, 4]",
            Assert.Throws<ArgumentException>(() =>
                triple.Propagater.Propagate(new(zeros(2, 4, dtype: ScalarType.Float64)), new(0, 1), random)).Message);
        Assert.Contains("[2, 3]",
            Assert.Throws<ArgumentException>(() =>
                triple.Analyzer.Analyze(new(zeros(2, 5, dtype: ScalarType.Float64)), new(zeros(2, 3, dtype: ScalarType.Float64), null, 0),
                    random)).Message);
    }
}

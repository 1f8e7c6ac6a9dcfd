using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>State and parameters estimated together by filters that know of no parameters.</summary>
public sealed class JointEstimationTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(11);
    public void Dispose() => scope.Dispose();

    /// <summary>x' = A x + f e with the additive forcing f as parameter: linear in both.</summary>
    private sealed class Forced : DiscreteDynamics, IParametricDynamics
    {
        public static readonly double[,] A = { { 0.9, 0.2, 0 }, { -0.1, 0.8, 0.1 }, { 0, 0.3, 0.7 } };
        public static readonly double[] E = [1, -0.5, 0.25];
        private readonly Tensor a = tensor(A).DetachFromDisposeScope(), e = tensor(E).DetachFromDisposeScope();

        public Forced() : base(3, 1) => ModelError = ErrorCovariance.Diagonal(0.1, 0.2, 0.3);

        public IReadOnlyList<ModelParameter> Parameters { get; } = [new("forcing", 0.7)];

        protected override Tensor Step(Tensor state, double time) => matmul(state, a.T) + 0.7 * e;

        public Tensor Advance(Tensor state, Tensor parameters, TimeInterval interval)
        {
            for (long k = 0; k < interval.Steps(1); k++) state = matmul(state, a.T) + parameters * e;
            return state;
        }
    }

    [Fact]
    public void On_a_linear_Gaussian_system_it_is_the_Kalman_filter_of_the_augmented_system()
    {
        var model = new Forced();
        var h = tensor(new[,] { { 1.0, 0, 1 }, { 0, 1, 0 } });
        var network = new ObservationNetwork(new LinearObservationOperator(h), ErrorCovariance.Diagonal(0.5, 0.3), null);
        var start = new GaussianInitialCondition(tensor(new[] { 1.0, 2, 3 }), ErrorCovariance.Scalar(3, 2));
        var system = new AssimilationSystem(model, network) { Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 30 }).Materialise();
        EstimatedParameter[] believed = [new("forcing", 0.2, 0.6) { Evolution = ParameterEvolution.RandomWalk(0.05) }];
        var estimates = context.Analysis.JointEstimation(system, new() { Parameters = believed, Filter = new KalmanFilter() })
            .Transform(twin);

        // by hand: z = (x, f)
        var m = zeros(4, 4, dtype: ScalarType.Float64);
        m.narrow(0, 0, 3).narrow(1, 0, 3).copy_(tensor(Forced.A));
        m.narrow(0, 0, 3).select(1, 3).copy_(tensor(Forced.E));
        m[3, 3] = 1;
        var q = tensor(new[] { 0.1, 0.2, 0.3, 0.0025 }).diag();
        var hh = cat([h, zeros(2, 1, dtype: ScalarType.Float64)], 1);
        var r = tensor(new[] { 0.5, 0.3 }).diag();
        var mean = tensor(new[] { 1.0, 2, 3, 0.2 }).expand(2, 4);
        var covariance = tensor(new[] { 2.0, 2, 2, 0.36 }).diag();
        using var cursor = estimates.OpenCursor();
        while (cursor.MoveNext())
        {
            (mean, covariance) = (mean.matmul(m.T), m.matmul(covariance).matmul(m.T) + q);
            Compare.Close(mean.narrow(1, 0, 3), cursor[Columns.Forecast], 1e-10);
            Compare.Close(covariance.diagonal().sqrt().narrow(0, 0, 3).expand(2, 3), cursor[Columns.ForecastSpread], 1e-10);
            var gain = covariance.matmul(hh.T).matmul(linalg.inv(hh.matmul(covariance).matmul(hh.T) + r));
            (mean, covariance) = (mean + (cursor[Columns.Observation] - mean.matmul(hh.T)).matmul(gain.T),
                covariance - gain.matmul(hh).matmul(covariance));
            Compare.Close(mean.narrow(1, 0, 3), cursor[Columns.Analysis], 1e-10);
            Compare.Close(mean.narrow(1, 3, 1), cursor[Columns.Parameters], 1e-10);
            Compare.Close(covariance.diagonal().sqrt().narrow(0, 3, 1).expand(2, 1), cursor[Columns.ParametersSpread], 1e-10);
        }
        Assert.Equal(29, cursor.Cycle);
    }

    [Fact]
    public void Many_members_approach_the_Kalman_filter()
    {
        var model = new Forced();
        var network = new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 0.5), null);
        var start = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(3, 2));
        var system = new AssimilationSystem(model, network) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Cycles = 20 }).Materialise();
        EstimatedParameter[] believed = [new("forcing", 0, 1)];
        var exact = Last(context.Analysis.JointEstimation(system, new() { Parameters = believed, Filter = new KalmanFilter() }), twin);
        var ensemble = Last(context.Analysis.JointEstimation(system,
            new() { Parameters = believed, Filter = new EnsembleTransformKalmanFilter { Members = 4000 } }), twin);
        Compare.Close(exact.Value, ensemble.Value, 0.05);
        Compare.Close(exact.Spread, ensemble.Spread, 0.08);
    }

    [Fact]
    public void The_forcing_of_Lorenz_96_is_found()
    {
        var truth = new Lorenz96(forcing: 8);
        var network = ObservationNetwork.Full(truth.Dimension);
        var start = new GaussianInitialCondition(new Lorenz96().UsualInitialCondition()
            .Draw(1, context.Random("start"), ScalarType.Float64)[0], ErrorCovariance.Scalar(40, 0.5));
        var system = new AssimilationSystem(truth, network) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 5, Cycles = 200 }).Materialise();
        var method = context.Analysis.JointEstimation(system with { Dynamics = new Lorenz96(forcing: 99) }, new()
        {
            Parameters = [new EstimatedParameter("forcing", 6.5, 1)],
            Filter = new EnsembleTransformKalmanFilter
                { Members = 50, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving },
        });
        Found(method, twin, 8, 0.1);
        var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = 100 });
        Assert.InRange(report.AnalysisRmse.Mean, 0.15, 0.22); // as good as with the forcing known
    }

    [Fact]
    public void The_Rayleigh_number_of_Lorenz_63_is_found()
    {
        var truth = new Lorenz63();
        var network = ObservationNetwork.Full(truth.Dimension, 2);
        var system = new AssimilationSystem(truth, network) { Interval = 0.25 };
        using var twin = context.Data.Twin(system, new() { Batch = 6, Cycles = 200 }).Materialise();
        Found(context.Analysis.JointEstimation(system, new()
        {
            Parameters = [new EstimatedParameter("rho", 25, 3) { Evolution = ParameterEvolution.RandomWalk(0.02) }],
            Filter = new EnsembleTransformKalmanFilter
                { Members = 20, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving },
        }), twin, 28, 0.4);
    }

    [Fact]
    public void Methods_without_a_spread_and_columns_of_a_chain_work_too()
    {
        var model = new Lorenz63();
        var network = ObservationNetwork.Full(model.Dimension);
        var system = new AssimilationSystem(model, network);
        var method = context.Analysis.JointEstimation(system, new()
        {
            Parameters = [new EstimatedParameter("rho", 28, 1)],
            Filter = new ThreeDimensionalVariational { Background = new KnownBackground(ErrorCovariance.Scalar(4, 0.3)) },
        });
        var view = method.Transform(context.Data.Twin(system, new() { Cycles = 3 }));
        Assert.Equal([3], view.Schema[Columns.Analysis].Shape);
        Assert.Equal([1], view.Schema[Columns.Parameters].Shape);
        Assert.False(view.Schema.Has(Columns.ParametersSpread));
        using var cursor = view.OpenCursor();
        Assert.True(cursor.MoveNext());
        Assert.Equal([1, 3], cursor[Columns.Analysis].shape);
        // a method on other states is refused where it is appended
        Assert.Throws<SchemaException>(() =>
            new TransformerChain([method.Steps.OfType<SequentialAssimilation<StateMemory>>().Single(), new JointEstimates(5, 1, false)]));
    }

    [Fact]
    public void It_is_saved_and_read_to_the_bit()
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            var model = new Lorenz63();
            var network = ObservationNetwork.Full(model.Dimension);
            var system = new AssimilationSystem(model, network);
            var method = context.Analysis.JointEstimation(system, new()
            {
                Parameters = [new EstimatedParameter("rho", 28, 1) { Evolution = ParameterEvolution.RandomWalk(0.1) }],
                Filter = new EnsembleTransformKalmanFilter { Members = 5 },
            });
            context.Model.Save(method, path);
            var read = ModelArchive.Read<JointAssimilation>(path,
                new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]), context);
            using var twin = context.Data.Twin(system, new() { Cycles = 5 }).Materialise();
            foreach (var column in (Column[])[Columns.Analysis, Columns.Forecast, Columns.Parameters, Columns.ParametersSpread,
                Columns.AnalysisSpread])
                Assert.Equal(Last(method, twin, column).data<double>().ToArray(), Last(read, twin, column).data<double>().ToArray());
        }
        finally { File.Delete(path); }
    }

    // Every trajectory's own estimate, at the end, against the truth and against the spread it claims.
    private void Found(ITransformer method, ITrajectoryView twin, double value, double tolerance)
    {
        var (estimate, spread) = Last(method, twin);
        var error = estimate - value;
        output.WriteLine(
            $"{estimate.mean().ToDouble():f3} (error {error.square().mean().sqrt().ToDouble():f4}, claimed " +
                $"{spread.mean().ToDouble():f4}); worst {error.abs().max().ToDouble():f3}");
        Assert.InRange(error.abs().max().ToDouble(), 0, tolerance);
        Assert.InRange(error.square().mean().sqrt().ToDouble() / spread.mean().ToDouble(), 0.3, 2.5);
    }

    private static (Tensor Value, Tensor Spread) Last(ITransformer method, ITrajectoryView view) =>
        (Last(method, view, Columns.Parameters), Last(method, view, Columns.ParametersSpread));

    private static Tensor Last(ITransformer method, ITrajectoryView view, Column column)
    {
        using var cursor = method.Transform(view).OpenCursor();
        for (long i = 0; i < view.CycleCount; i++) Assert.True(cursor.MoveNext());
        return cursor[column].clone();
    }
}

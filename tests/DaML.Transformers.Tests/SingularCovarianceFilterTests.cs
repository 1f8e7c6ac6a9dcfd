using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Methods with singular covariances: of the model's error, of the start, of the background; and what needs an inverse says so.
/// </summary>
public sealed class SingularCovarianceFilterTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(5);
    public void Dispose() => scope.Dispose();

    private static Tensor Velocity => tensor(new double[,] { { 1, 1 }, { 0, 1 } });

    private static FullErrorCovariance WhiteAcceleration => ErrorCovariance.Full(tensor(new double[,] { { 0.25, 0.5 }, { 0.5, 1 } }));

    private static ObservationNetwork First(long n, double variance = 1) =>
        new(new SubsetObservationOperator(n, 0L), ErrorCovariance.Scalar(1, variance));

    private MemoryTrajectoryView View(params double[] values) => context.Data.FromMemory(
        new Dictionary<Column, Tensor> { [Columns.Observation] = tensor(values).reshape(-1, 1, 1) }, [.. values.Select((_, i) => i + 1.0)]);

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void The_constant_velocity_model_of_the_textbooks(double start)
    {
        var model = new LinearDynamics(Velocity, 1) { ModelError = WhiteAcceleration };
        using var run =
            context.Analysis.KalmanFilter(new AssimilationSystem(model, First(2))
                { Initial = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, start)) }).Run(View(1, 3, 2));
        var q = WhiteAcceleration.ToMatrix(ScalarType.Float64, CPU);
        Tensor p = start * eye(2, dtype: ScalarType.Float64), m = zeros(2, dtype: ScalarType.Float64);
        foreach (double y in (double[])[1, 3, 2])
        {
            Assert.True(run.MoveNext());
            p = Velocity.matmul(p).matmul(Velocity.T) + q;
            m = Velocity.matmul(m);
            Compare.Close(p, run.Forecast.Covariance[0], 1e-14);
            if (start == 1 && run.Cycle == 0)
                Compare.Close(tensor(new[,] { { 2.25, 1.5 }, { 1.5, 2 } }), run.Forecast.Covariance[0], 1e-14);
            var k = p.select(1, 0) / (p[0, 0] + 1);
            m = m + k * (y - m[0]);
            p = p - k.outer(p[0]);
            Compare.Close(m, run.Analysis.Mean[0], 1e-13);
            Compare.Close(p, run.Analysis.Covariance[0], 1e-13);
            Compare.Close(p.diagonal().sqrt(), run[Columns.AnalysisSpread][0], 1e-13);
        }
    }

    [Theory]
    [InlineData(NoiseTreatment.Stochastic)]
    [InlineData(NoiseTreatment.SquareRoot)]
    [InlineData(NoiseTreatment.SquareRootWithResidual)]
    [InlineData(NoiseTreatment.SquareRootDependent)]
    public void Members_get_a_singular_model_error(NoiseTreatment treatment)
    {
        var q = WhiteAcceleration;
        using var random = context.Random("noise");
        var members = random.Normal([400, 30, 2], ScalarType.Float64);
        var grown = EnsembleNoise.Add(members, q, treatment, random, centred: false);
        var expected = Compare.SampleCovariance(members).mean([0]) + q.ToMatrix(ScalarType.Float64, CPU);
        Compare.Close(expected, Compare.SampleCovariance(grown).mean([0]), treatment == NoiseTreatment.SquareRoot ? 1e-12 : 0.05);
        using var run =
            context.Analysis.EnsembleTransformKalmanFilter(
                new AssimilationSystem(new LinearDynamics(Velocity, 1) { ModelError = q }, First(2))
                { Initial = new GaussianInitialCondition(zeros(2), ErrorCovariance.Scalar(2, 1)) },
                    new() { Members = 10, ModelError = treatment }).Run(View(1, 2, 3));
        while (run.MoveNext()) Assert.True(FiniteNumbers.All(run.Analysis.Members));
    }

    [Fact]
    public void Every_ensemble_method_starts_from_a_known_state_with_noise_on_one_component()
    {
        var model = new LinearDynamics(Velocity, 1) { ModelError = ErrorCovariance.Diagonal(0, 0.5) };
        var known = new GaussianInitialCondition(tensor(new double[] { 1, 2 }), ErrorCovariance.Scalar(2, 0));
        var system = new AssimilationSystem(model, First(2)) { Initial = known };
        var analysis = context.Analysis;
        foreach (var method in (ITransformer[])[
            analysis.EnsembleTransformKalmanFilter(system, new() { Members = 8 }),
            analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 8 }),
            analysis.DeterministicEnsembleKalmanFilter(system, new() { Members = 8 }),
            analysis.SerialSquareRootFilter(system, new() { Members = 8 }),
            analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 8 }),
            analysis.AdditiveErrorIterativeEnsembleKalmanFilter(system, new() { Members = 8 }),
            analysis.ParticleFilter(system, new() { Members = 50 })])
        {
            using var cursor = method.Transform(View(3, 5, 7, 9)).OpenCursor();
            while (cursor.MoveNext())
                Assert.InRange(cursor[Columns.Analysis][0, 0].ToDouble(), 2 * cursor.Cycle + 1.5, 2 * cursor.Cycle + 4.5);
        }
    }

    [Fact]
    public void Variational_methods_take_a_singular_background_through_its_root()
    {
        // B of rank 3 in 5 dimensions: the analysis is the Kalman filter's with P = B.
        var system = new LinearGaussianSystem(2, modelError: false);
        using var random = context.Random("singular background");
        var factor = random.Normal([3, 5], ScalarType.Float64);
        var b = ErrorCovariance.Full(factor.mT.matmul(factor));
        Assert.NotNull(b.Singularity);
        var background = random.Normal([2, 5], ScalarType.Float64);
        var y = new Observation(random.Normal([2, 3], ScalarType.Float64), null, 0);
        var p = b.Matrix;
        var s = system.H.matmul(p).matmul(system.H.mT) + system.R;
        var expected = background + (y.Values - background.matmul(system.H.mT)).matmul(linalg.inv(s)).matmul(system.H).matmul(p);

        Compare.Close(expected,
            new ThreeDimensionalVariationalAnalyzer(system.Network.Operator, system.Network.Error, b)
                .Analyze(new(background), y, random).State, 1e-12);
        var nonlinear = new Relabelled(system.H);
        Compare.Close(expected,
            new ThreeDimensionalVariationalAnalyzer(nonlinear, system.Network.Error, b).Analyze(new(background), y, random).State, 1e-12);

        var cost = new FourDimensionalVariationalCost(system.Dynamics, [new BackgroundTerm(b), new ModelErrorTerm(b)],
            [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
        var options = new IncrementalOptions
            { OuterIterations = 1, InnerSolver = new ConjugateGradientSolver(new() { ResidualReduction = 1e-13 }) };
        var result = new IncrementalFourDimensionalVariational(cost, options)
            .Minimise(new(new State(background), new TimeInterval(0, 0), 1, [y]));
        Compare.Close(expected, result.Analysis.Values, 1e-10);

        Assert.Contains("BackgroundSquareRoot", Refused(() => new BackgroundTerm(b, ControlVariable.Increment)));
        Assert.Contains("conjugate gradients", Refused(() => new CovariancePreconditioning(b)));
        Assert.Contains("J_c", Refused(() => new DigitalFilterTerm(3, b)));
    }

    [Fact]
    public void Observation_errors_must_have_an_inverse_and_the_message_says_which_has_none()
    {
        var h = new IdentityObservationOperator(3);
        var r = ErrorCovariance.Diagonal(1, 0, 2);
        foreach (var make in (Action[])[
            () => new KalmanFilterAnalyzer(h, r), () => new EnsembleTransformKalmanFilterAnalyzer(h, r),
            () => new StochasticEnsembleKalmanFilterAnalyzer(h, r),
            () => new DeterministicEnsembleKalmanFilterAnalyzer(h, r), () => new SerialSquareRootFilterAnalyzer(h, r),
            () => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r),
            () => new ParticleFilterAnalyzer(h, r), () => new ObservationTerm(h, r),
            () => new ThreeDimensionalVariationalAnalyzer(h, r, ErrorCovariance.Scalar(3, 1)),
            () => new IterativeEnsembleKalmanSmootherAnalyzer(new LinearDynamics(eye(3)), h, r),
            () => new InnovationChiSquare(new ObservationNetwork(h, r))])
        {
            string message = Refused(make);
            Assert.Contains("observation error covariance R", message);
            Assert.Contains("the variance of component 1 (from 0) is zero", message);
            Assert.Contains("Give every observation", message);
        }
    }

    [Fact]
    public void A_normal_density_on_a_plane_can_be_drawn_from_and_has_no_density()
    {
        var p = WhiteAcceleration.ToMatrix(ScalarType.Float64, CPU).unsqueeze(0);
        using var random = context.Random("plane");
        foreach (var density in (GaussianDensity[])[new(zeros(1, 2, dtype: ScalarType.Float64), p),
            GaussianDensity.OfRoot(zeros(1, 2, dtype: ScalarType.Float64), CovarianceRoot.Of(p))])
        {
            Compare.Close(p[0].diagonal().sqrt(), density.StandardDeviation[0], 1e-14);
            var draws = density.Sample(5000, random)[0];
            Assert.InRange((draws.select(1, 1) - 2 * draws.select(1, 0)).abs().max().ToDouble(), 0, 1e-7);
            Compare.Close(p[0], draws.mT.matmul(draws) / 5000, 0.1);
            Assert.Contains("plane",
                Assert.Throws<NotSupportedException>(() => density.LogDensity(zeros(1, 2, dtype: ScalarType.Float64))).Message);
        }
    }

    private static string Refused(Action make) => Assert.Throws<ArgumentException>(make).Message;

    // A linear operator that does not say so.
    private sealed class Relabelled(Tensor h) : ObservationOperator(h.size(1), h.size(0))
    {
        protected override Tensor Observe(Tensor state) => state.matmul(h.mT);
    }
}

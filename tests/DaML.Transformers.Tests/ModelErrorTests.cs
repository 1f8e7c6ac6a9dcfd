using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The ways in which an ensemble gets the error of a model (Raanes, Carrassi and Bertino 2015).</summary>
public sealed class ModelErrorTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(41);
    private readonly LinearGaussianSystem system = new(9);

    public static TheoryData<NoiseTreatment> SquareRoots =>
        [NoiseTreatment.SquareRoot, NoiseTreatment.SquareRootWithResidual, NoiseTreatment.SquareRootDependent];

    [Theory, MemberData(nameof(SquareRoots))]
    public void Square_root_with_a_full_rank_ensemble_is_the_Kalman_filter(NoiseTreatment treatment)
    {
        var dynamicsSystem = system.System with { Interval = 2 };
        using var scope = NewDisposeScope();
        var twin = context.Data.Twin(dynamicsSystem, new() { Cycles = 12 });
        using var exact = context.Analysis.KalmanFilter(dynamicsSystem).Run(twin);
        var memory = new EnsembleMemory(Compare.ExactEnsemble(system.M0, system.P0, 9));
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error);
        var propagater = new EnsemblePropagater(system.Dynamics, treatment);
        using var random = context.Random("square root");
        while (exact.MoveNext())
        {
            memory = propagater.Propagate(memory, new TimeInterval(exact.Time - 2, exact.Time), random);
            Compare.Close(exact.Forecast.Covariance, Compare.SampleCovariance(memory.Members), 1e-10);
            memory = analyzer.Analyze(memory, new Observation(exact[Columns.Observation], null, exact.Time), random);
            Compare.Close(exact.Analysis.Mean, memory.Members.mean([1]), 1e-10);
            Compare.Close(exact.Analysis.Covariance, Compare.SampleCovariance(memory.Members), 1e-10);
        }
    }

    [Theory]
    [InlineData(NoiseTreatment.Stochastic)]
    [InlineData(NoiseTreatment.SquareRoot)]
    [InlineData(NoiseTreatment.SquareRootWithResidual)]
    [InlineData(NoiseTreatment.SquareRootDependent)]
    public void A_small_ensemble_gets_what_each_treatment_says(NoiseTreatment treatment)
    {
        // Four members span three of five dimensions: Pi projects on them.
        using var scope = NewDisposeScope();
        using var random = context.Random("small");
        const long batch = 20000, members = 4;
        var one = random.Normal([1, members, LinearGaussianSystem.N], ScalarType.Float64);
        var noisy = EnsembleNoise.Add(one.expand(batch, members, LinearGaussianSystem.N), ErrorCovariance.Full(system.Q), treatment, random,
            centred: true);
        var p = Compare.SampleCovariance(one)[0];
        var (values, vectors) = linalg.eigh(p);
        var basis = vectors[.., 2..];
        var inside = basis.matmul(basis.T);
        var outside = eye(LinearGaussianSystem.N, dtype: ScalarType.Float64) - inside;
        var expected = treatment switch
        {
            NoiseTreatment.SquareRoot => p + inside.matmul(system.Q).matmul(inside),
            NoiseTreatment.SquareRootWithResidual => p + inside.matmul(system.Q).matmul(inside) + outside.matmul(system.Q).matmul(outside),
            _ => p + system.Q,
        };
        var covariance = Compare.SampleCovariance(noisy).mean([0]);
        if (treatment == NoiseTreatment.SquareRootDependent)
        {
            Compare.Close(inside.matmul(expected).matmul(inside), inside.matmul(covariance).matmul(inside), 1e-11);
            var cross = inside.matmul(covariance - p).matmul(outside);
            var white = EnsembleNoise.Add(one.expand(batch, members, LinearGaussianSystem.N), ErrorCovariance.Full(system.Q),
                NoiseTreatment.SquareRootWithResidual, random, centred: true);
            var without = inside.matmul(Compare.SampleCovariance(white).mean([0]) - p).matmul(outside);
            var wanted = inside.matmul(system.Q).matmul(outside);
            // What lies outside follows what was added inside, of which the ensemble's own anomalies are a part: about half of Q's
            // dependence, where independent draws have none.
            Assert.InRange(Compare.Difference(cross, wanted), 0, 0.6);
            Assert.InRange(Compare.Difference(without, wanted), 0.9, 1.2);
        }
        else
        {
            Compare.Close(expected, covariance, treatment == NoiseTreatment.SquareRoot ? 1e-11 : 0.02);
        }
        Compare.Close(one.mean([1]).expand(batch, -1), noisy.mean([1]), 1e-12);
    }

    [Fact]
    public void Drawn_noise_approaches_the_sum_at_the_Monte_Carlo_rate()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("rate");
        var exact = system.M.matmul(system.P0).matmul(system.M.T) + system.Q;
        double Distance(long members)
        {
            using var inner = NewDisposeScope();
            var ensemble = system.Initial.Draw(60 * members, random, ScalarType.Float64).reshape(60, members, LinearGaussianSystem.N);
            var forecast = new EnsemblePropagater(system.Dynamics).Propagate(new(ensemble), new TimeInterval(0, 1), random).Members;
            return (Compare.SampleCovariance(forecast) - exact).square().mean().sqrt().ToDouble();
        }
        Assert.InRange(Distance(100) / Distance(6400), 6, 10.5);
    }

    [Fact]
    public void Lorenz_96_with_an_error_in_every_step_scores_as_published()
    {
        // Standard deviation 0.1 per step of 0.05 (the data assimilation networks' paper): about 0.48 with 20 members, less by square root.
        var dynamics = new Lorenz96(40) { ModelError = ErrorCovariance.Scalar(40, 0.01) };
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(zeros(40, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 0.001));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Initial = start };
        using var twin = context.Data.Twin(system, new() { Batch = 6, Cycles = 400 }).Materialise();
        double Score(ITransformer method)
        {
            double median = context.Scores.Evaluate(method.Transform(twin),
                new ScoreOptions { BurnIn = 100 }).AnalysisRmse.PerTrajectory.Order().ElementAt(3);
            output.WriteLine($"{method.Name}: {median:f3}");
            return median;
        }
        double Transform(NoiseTreatment treatment, double inflation) =>
            Score(context.Analysis.EnsembleTransformKalmanFilter(system,
                new() { Members = 20, ModelError = treatment, Inflation = Inflation.StandardDeviation(inflation),
                    Rotation = EnsembleRotation.MeanPreserving }));
        double drawn = Transform(NoiseTreatment.Stochastic, 1.1);
        Assert.InRange(drawn, 0.9 * 0.48, 1.1 * 0.48);
        Assert.InRange(Transform(NoiseTreatment.SquareRootDependent, 1.1) / drawn, 0.8, 1);
        Assert.InRange(
            Score(context.Analysis.FiniteSizeEnsembleKalmanFilter(system,
                new() { Members = 20, Rotation = EnsembleRotation.MeanPreserving })), 0.9 * 0.48, 1.1 * 0.48);
    }

    [Theory, MemberData(nameof(SquareRoots))]
    public void A_member_that_is_not_finite_stays_so_and_no_other_trajectory_minds(NoiseTreatment treatment)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("broken");
        var members = random.Normal([2, 4, LinearGaussianSystem.N], ScalarType.Float64);
        members[0, 1, 2] = double.NaN;
        var noisy = EnsembleNoise.Add(members, ErrorCovariance.Full(system.Q), treatment, random, centred: false);
        Assert.False(double.IsFinite(noisy[0].sum().ToDouble()));
        Assert.True(double.IsFinite(noisy[1].sum().ToDouble()));
    }
}

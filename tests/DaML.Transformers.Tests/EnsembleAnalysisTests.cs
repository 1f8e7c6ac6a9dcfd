using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class EnsembleAnalysisTests
{
    private readonly DataAssimilationContext context = new(11);

    [Theory]
    [InlineData(7, EnsembleRotation.None)]
    [InlineData(7, EnsembleRotation.MeanPreserving)]
    [InlineData(200, EnsembleRotation.MeanPreserving)]
    public void Transform_filter_with_an_exact_prior_ensemble_is_the_Kalman_filter(long members, EnsembleRotation rotation)
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(5, modelError: false);
        var dynamicsSystem = system.System;
        var twin = context.Data.Twin(dynamicsSystem, new() { Cycles = 12 });
        using var exact = context.Analysis.KalmanFilter(dynamicsSystem).Run(twin);
        var memory = new EnsembleMemory(Compare.ExactEnsemble(system.M0, system.P0, members));
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, null, rotation);
        var propagater = new EnsemblePropagater(system.Dynamics);
        using var random = context.Random("etkf");
        while (exact.MoveNext())
        {
            memory = propagater.Propagate(memory, new TimeInterval(exact.Time - 1, exact.Time), random);
            memory = analyzer.Analyze(memory, new Observation(exact[Columns.Observation], null, exact.Time), random);
            Compare.Close(exact.Analysis.Mean, memory.Members.mean([1]), 1e-10);
            Compare.Close(exact.Analysis.Covariance, Compare.SampleCovariance(memory.Members), 1e-10);
        }
    }

    [Fact]
    public void Transform_filter_with_more_observations_than_members_is_the_Kalman_filter()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("many observations");
        var h = new LinearObservationOperator(random.Normal([9, 3], ScalarType.Float64));
        var r = ErrorCovariance.Scalar(9, 0.7);
        var mean = random.Normal([3], ScalarType.Float64);
        var covariance = tensor(new[,] { { 2, 0.5, 0.1 }, { 0.5, 1, -0.3 }, { 0.1, -0.3, 0.8 } });
        var y = new Observation(random.Normal([1, 9], ScalarType.Float64), null, 0);
        var exact = new KalmanFilterAnalyzer(h, r).Analyze(new(mean.unsqueeze(0), covariance.unsqueeze(0)), y, random);
        var members = new EnsembleTransformKalmanFilterAnalyzer(h, r)
            .Analyze(new(Compare.ExactEnsemble(mean, covariance, 6)), y, random).Members;
        Compare.Close(exact.Mean, members.mean([1]), 1e-12);
        Compare.Close(exact.Covariance, Compare.SampleCovariance(members), 1e-12);
    }

    [Fact]
    public void Member_space_and_observation_space_give_the_same_ensemble_and_its_covariance_has_rank_one_less_than_members()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("spaces");
        const int n = 12, members = 6, p = 9;
        var ensemble = random.Normal([2, members, n], ScalarType.Float64);
        var h = random.Normal([p, n], ScalarType.Float64);
        var y = random.Normal([2, p], ScalarType.Float64);
        // Four observations are fewer than the members; nine of which five are missing are more, and mean the same.
        Tensor Analyze(int observations, Tensor? mask, double inflation) =>
            new EnsembleTransformKalmanFilterAnalyzer(new LinearObservationOperator(h[..observations]),
                ErrorCovariance.Scalar(observations, 1), Inflation.StandardDeviation(inflation, InflationTarget.Prior))
                .Analyze(new(ensemble), new Observation(y[.., ..observations], mask, 0), random).Members;
        var four = (arange(p) < 4).expand(2, p);
        foreach (double inflation in new[] { 1, 1.3 })
            Compare.Close(Analyze(4, null, inflation), Analyze(p, four, inflation), 1e-12);
        var values = linalg.eigvalsh(Compare.SampleCovariance(Analyze(p, four, 1))[0]);
        Assert.Equal(members - 1, (values > 1e-12 * values.max()).sum().ToInt64());
    }

    [Fact]
    public void Every_masked_ensemble_analysis_equals_that_of_the_smaller_network()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(6);
        using var random = context.Random("mask");
        var ensemble = random.Normal([2, 8, LinearGaussianSystem.N], ScalarType.Float64);
        var y = random.Normal([2, 3], ScalarType.Float64);
        var mask = tensor(new[] { true, false, true, true, false, true }, 2, 3);
        var there = tensor(new long[] { 0, 2 });
        var smallH = new LinearObservationOperator(system.H.index_select(0, there));
        var smallR = ErrorCovariance.Full(system.R.index_select(0, there).index_select(1, there));
        foreach (var make in new Func<IObservationOperator, IErrorCovariance, IAnalyzer<EnsembleMemory>>[]
                 {
                     (h, r) => new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.StandardDeviation(1.1)),
                     (h, r) => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r),
                     (h, r) => new DeterministicEnsembleKalmanFilterAnalyzer(h, r, Inflation.Variance(1.2, InflationTarget.Prior)),
                     (h, r) => new SerialSquareRootFilterAnalyzer(h, r, Inflation.StandardDeviation(1.1)),
                     (h, r) => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r, FiniteSizePrior.Jeffreys),
                 })
        {
            var analysis = make(system.Network.Operator, system.Network.Error)
                .Analyze(new(ensemble), new Observation(y, mask, 0), random).Members;
            var expected = make(smallH, smallR).Analyze(new(ensemble), new Observation(y.index_select(1, there), null, 0), random).Members;
            Compare.Close(expected, analysis, 1e-11);
        }

        // The stochastic one with the same perturbations of what exists.
        var noise = random.Normal([2, 8, 2], ScalarType.Float64);
        var widened = zeros(2, 8, 3, dtype: ScalarType.Float64);
        widened[TensorIndex.Ellipsis, TensorIndex.Tensor(there)] = noise;
        var (mean, anomalies) =
            StochasticEnsembleKalmanFilterAnalyzer.Update(
                ObservedEnsemble.Of(ensemble, new Observation(y, mask, 0), system.Network.Operator, system.Network.Error), widened);
        var (expectedMean, expectedAnomalies) = StochasticEnsembleKalmanFilterAnalyzer.Update(
            ObservedEnsemble.Of(ensemble, new Observation(y.index_select(1, there), null, 0), smallH, smallR), noise);
        Compare.Close(expectedMean, mean, 1e-12);
        Compare.Close(expectedAnomalies, anomalies, 1e-12);
    }

    [Fact]
    public void Nothing_observed_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(6);
        using var random = context.Random("nothing");
        var ensemble = random.Normal([1, 8, LinearGaussianSystem.N], ScalarType.Float64);
        var nothing = new Observation(zeros(1, 3, dtype: ScalarType.Float64), zeros(1, 3, dtype: ScalarType.Bool), 0);
        foreach (var analyzer in new IAnalyzer<EnsembleMemory>[]
                 {
                     new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error),
                     new StochasticEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error),
                     new FiniteSizeEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error),
                     new DeterministicEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error),
                     new SerialSquareRootFilterAnalyzer(system.Network.Operator, system.Network.Error),
                 })
            Compare.Close(ensemble, analyzer.Analyze(new(ensemble), nothing, random).Members, 1e-13);
    }

    [Fact]
    public void Stochastic_filter_approaches_the_Kalman_filter_at_the_Monte_Carlo_rate()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(7);
        using var random = context.Random("monte carlo");
        var y = random.Normal([1, 3], ScalarType.Float64);
        var exact = new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error).Analyze(
            new(system.M0.unsqueeze(0), system.P0.unsqueeze(0)), new Observation(y, null, 0), random);
        var analyzer = new StochasticEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error);
        // Root-mean-square distance of the sample covariance and mean from the exact ones, over 60 independent ensembles.
        (double Mean, double Covariance) Distance(long members)
        {
            using var inner = NewDisposeScope();
            var ensemble = system.Initial.Draw(60 * members, random, ScalarType.Float64).reshape(60, members, LinearGaussianSystem.N);
            var analysis = analyzer.Analyze(new(ensemble), new Observation(y.expand(60, 3), null, 0), random).Members;
            return ((analysis.mean([1]) - exact.Mean).square().mean().sqrt().ToDouble(),
                (Compare.SampleCovariance(analysis) - exact.Covariance).square().mean().sqrt().ToDouble());
        }
        var (meanFew, covarianceFew) = Distance(100);
        var (meanMany, covarianceMany) = Distance(6400);
        // 64 times the members, an eighth of the error.
        Assert.InRange(meanFew / meanMany, 6, 10.5);
        Assert.InRange(covarianceFew / covarianceMany, 6, 10.5);
        double scale = exact.Covariance.square().mean().sqrt().ToDouble();
        Assert.InRange(covarianceMany / scale, 0, 0.06);
    }

    [Fact]
    public void Stochastic_update_is_the_gain_applied_to_each_member_with_its_own_observation()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("members");
        foreach (int members in new[] { 4, 9 }) // more and fewer observations (6) than members
        {
            var e = random.Normal([1, members, 8], ScalarType.Float64);
            var h = random.Normal([6, 8], ScalarType.Float64);
            var y = random.Normal([1, 6], ScalarType.Float64);
            var noise = random.Normal([1, members, 6], ScalarType.Float64);
            var ensemble = ObservedEnsemble.Of(e, new Observation(y, null, 0), new LinearObservationOperator(h),
                ErrorCovariance.Scalar(6, 4));
            var (mean, anomalies) = StochasticEnsembleKalmanFilterAnalyzer.Update(ensemble, noise);

            var p = Compare.SampleCovariance(e)[0];
            var gain = p.matmul(h.T).matmul(linalg.inv(h.matmul(p).matmul(h.T) + 4 * eye(6, dtype: ScalarType.Float64)));
            var perturbed = y + 2 * (noise[0] - noise[0].mean([0]));
            var expected = e[0] + (perturbed - e[0].matmul(h.T)).matmul(gain.T);
            Compare.Close(expected, (mean.unsqueeze(1) + anomalies)[0], 1e-11);
        }
    }

    [Fact]
    public void Transform_analysis_of_a_field_agrees_with_PDAF_to_round_off()
    {
        // PDAF's offline 2-D example: 18 x 36 grid, 8 members, 36 observations with error 0.5, forgetting factor 0.8.
        using var scope = NewDisposeScope();
        var row = arange(1, 19, dtype: ScalarType.Float64).unsqueeze(1);
        var column = arange(1, 37, dtype: ScalarType.Float64);
        Tensor Field(double phase) => (Math.PI * (row / 18 + column / 36) + phase).sin().reshape(-1);
        var truth = Field(0);
        var members = stack(Enumerable.Range(1, 8).Select(k => Field(Math.PI * (k + 5) / 18))).unsqueeze(0);
        var lines = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Data", "pdaf_offline_2d_observations.csv"))
            .Where(line => char.IsDigit(line[0])).Select(line => line.Split(',')).ToList();
        Assert.Equal(36, lines.Count);
        var places = lines.Select(line => long.Parse(line[0]) * 36 + long.Parse(line[1])).ToArray();
        var values = tensor(lines.Select(line => double.Parse(line[2])).ToArray()).unsqueeze(0);

        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(new SubsetObservationOperator(648, places),
            ErrorCovariance.Scalar(36, 0.25), Inflation.ForgettingFactor(0.8));
        using var random = context.Random("pdaf");
        var analysis = analyzer.Analyze(new(members), new Observation(values, null, 0), random).Members[0];
        var mean = analysis.mean([0]);
        double Distance(Tensor state) => (state - truth).square().mean().sqrt().ToDouble();
        void Equal(double expected, double actual, double tolerance) => Assert.InRange(Math.Abs(actual / expected - 1), 0, tolerance);
        Equal(1.002643371, Distance(members[0].mean([0])), 1e-9);
        Equal(0.462123422, Distance(mean), 1e-9);
        Equal(0.874138235643437, mean[0].ToDouble(), 1e-12);
        Equal(-0.65135074410153, mean[8 * 36 + 17].ToDouble(), 1e-12);
        Equal(-202.364786346456, mean.sum().ToDouble(), 1e-12);
        Equal(-187.165803294098, analysis[0].sum().ToDouble(), 1e-12);
    }

    [Fact]
    public void Analysis_commutes_with_the_symmetry_of_Lorenz_96()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(12);
        using var random = context.Random("shift");
        var ensemble = random.Normal([2, 5, 12], ScalarType.Float64) + 3;
        var y = random.Normal([2, 12], ScalarType.Float64) + 3;
        var h = new IdentityObservationOperator(12);
        var r = ErrorCovariance.Scalar(12, 1);
        foreach (var analyzer in new IAnalyzer<EnsembleMemory>[]
            { new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.StandardDeviation(1.05)),
                new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r), new DeterministicEnsembleKalmanFilterAnalyzer(h, r) })
        {
            Tensor Cycle(Tensor e, Tensor observation) => analyzer.Analyze(
                new EnsemblePropagater(dynamics).Propagate(new(e), new TimeInterval(0, 0.1), random),
                new Observation(observation, null, 0.1), random).Members;
            Compare.Close(Cycle(ensemble, y).roll(3, -1), Cycle(ensemble.roll(3, -1), y.roll(3, -1)), 1e-12);
        }
    }

    [Fact]
    public void Random_rotations_are_orthogonal_keep_the_mean_and_are_uniform()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("rotation");
        var o = RandomRotation.MeanPreserving(4000, 4, random, ScalarType.Float64);
        Compare.Close(eye(4, dtype: ScalarType.Float64).expand(4000, 4, 4), o.matmul(o.mT), 1e-13);
        Compare.Close(ones(4000, 4, dtype: ScalarType.Float64), o.sum(-1), 1e-13);
        Compare.Close(ones(4000, 4, dtype: ScalarType.Float64), o.sum(-2), 1e-13);
        // O = 1 1^T / N + a Haar matrix of the complement: mean 1/N everywhere, and the complement's entries have variance (1 - 1/N)^2 / (N
        // - 1) = 3/16.
        Assert.InRange((o.mean([0]) - 0.25).abs().max().ToDouble(), 0, 4 * Math.Sqrt(3.0 / 16 / 4000));
        Assert.InRange((o - 0.25).square().mean([0]).sub(3.0 / 16).abs().max().ToDouble(), 0, 0.02);
    }
}

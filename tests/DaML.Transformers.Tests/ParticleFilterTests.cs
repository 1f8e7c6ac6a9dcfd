using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ParticleFilterTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(47);

    private static Tensor Equal(long batch, long members) => full([batch, members], -Math.Log(members), dtype: ScalarType.Float64);

    [Fact]
    public void The_posterior_is_Bayes_rule_on_a_discrete_state()
    {
        // Five possible states with a prior that is not uniform, seen through a square.
        using var scope = NewDisposeScope();
        using var random = context.Random("bayes");
        double[] states = [-2, -0.5, 0.3, 1, 2.5], prior = [0.1, 0.4, 0.2, 0.25, 0.05];
        const double y = 1.2, variance = 0.7;
        var h = new ElementwiseObservationOperator(1, ObservationFunction.Square);
        var memory = new ParticleMemory(tensor(states).reshape(1, 5, 1), tensor(prior).log().unsqueeze(0));
        var posterior = new ParticleFilterAnalyzer(h, ErrorCovariance.Scalar(1, variance))
            .Analyze(memory, new Observation(full([1, 1], y, dtype: ScalarType.Float64), null, 0), random);
        double[] expected = [.. states.Zip(prior, (x, p) => p * Math.Exp(-0.5 * (y - x * x) * (y - x * x) / variance))];
        expected = [.. expected.Select(weight => weight / expected.Sum())];
        Compare.Close(tensor(expected).unsqueeze(0), posterior.LogWeights.exp(), 1e-14);
        var density = new ParticleDensity(posterior.Members, posterior.LogWeights);
        double mean = states.Zip(expected, (x, w) => x * w).Sum(), square = expected.Sum(w => w * w);
        Assert.Equal(mean, density.Mean.ToDouble(), 13);
        Assert.Equal(states.Zip(expected, (x, w) => w * (x - mean) * (x - mean)).Sum() / (1 - square), density.Covariance.ToDouble(), 12);
        Assert.Equal(density.Covariance.sqrt().ToDouble(), density.StandardDeviation.ToDouble(), 13);
        Assert.Equal(1 / square, density.EffectiveSize.ToDouble(), 12);
        // Its draws have its weights.
        var sample = density.Sample(40000, random);
        for (int i = 0; i < 5; i++)
            Assert.InRange((sample == states[i]).to(ScalarType.Float64).mean().ToDouble() - expected[i], -4 * Math.Sqrt(0.25 / 40000),
                4 * Math.Sqrt(0.25 / 40000));
    }

    [Fact]
    public void Missing_observations_are_as_if_they_were_not_in_the_network()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(6);
        using var random = context.Random("mask");
        var memory = new ParticleMemory(random.Normal([2, 8, LinearGaussianSystem.N], ScalarType.Float64), Equal(2, 8));
        var y = random.Normal([2, 3], ScalarType.Float64);
        var there = tensor(new long[] { 0, 2 });
        var masked = new ParticleFilterAnalyzer(system.Network.Operator, system.Network.Error)
            .Analyze(memory, new Observation(y, tensor(new[] { true, false, true, true, false, true }, 2, 3), 0), random);
        var smaller = new ParticleFilterAnalyzer(new LinearObservationOperator(system.H.index_select(0, there)),
            ErrorCovariance.Full(system.R.index_select(0, there).index_select(1, there)))
            .Analyze(memory, new Observation(y.index_select(1, there), null, 0), random);
        Compare.Close(smaller.LogWeights, masked.LogWeights, 1e-13);
    }

    [Theory]
    [InlineData(ResamplingScheme.Systematic)]
    [InlineData(ResamplingScheme.Stratified)]
    [InlineData(ResamplingScheme.Residual)]
    [InlineData(ResamplingScheme.Multinomial)]
    public void Resampling_is_unbiased_and_as_noisy_as_its_scheme(ResamplingScheme scheme)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("resampling");
        const long batch = 20000;
        double[] weights = [0.02, 0.4, 0, 0.15, 0.08, 0.25, 0.1];
        var indices = ParticleResampling.Draw(tensor(weights).expand(batch, 7), scheme, random);
        var counts = stack(Enumerable.Range(0, 7).Select(i => (indices == i).sum(1)), 1).to(ScalarType.Float64);
        for (int i = 0; i < 7; i++)
        {
            double expected = 7 * weights[i], mean = counts[.., i].mean().ToDouble(), variance = counts[.., i].var().ToDouble();
            Assert.InRange(mean - expected, -4.5 * Math.Sqrt(variance / batch) - 1e-12, 4.5 * Math.Sqrt(variance / batch) + 1e-12);
            double part = expected - Math.Floor(expected), binomial = 7 * weights[i] * (1 - weights[i]);
            switch (scheme)
            {
                case ResamplingScheme.Systematic:
                    // Nothing but the whole part or one more: the least variance there is.
                    Assert.True((counts[.., i] >= Math.Floor(expected)).all().ToBoolean()
                        && (counts[.., i] <= Math.Floor(expected) + 1).all().ToBoolean());
                    Assert.InRange(variance, 0.95 * part * (1 - part) - 1e-9, 1.05 * part * (1 - part) + 1e-9);
                    break;
                case ResamplingScheme.Residual:
                    Assert.True((counts[.., i] >= Math.Floor(expected)).all().ToBoolean());
                    Assert.InRange(variance, 0, binomial + 1e-9);
                    break;
                case ResamplingScheme.Stratified:
                    Assert.InRange(variance, 0, binomial + 1e-9);
                    break;
                default:
                    Assert.InRange(variance, 0.95 * binomial - 1e-9, 1.05 * binomial + 1e-9);
                    break;
            }
        }
    }

    [Theory]
    [InlineData(ResamplingScheme.Systematic)]
    [InlineData(ResamplingScheme.Residual)]
    public void Equal_weights_keep_every_particle_once(ResamplingScheme scheme)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("equal");
        foreach (long members in new long[] { 3, 10, 49 })
            Assert.True(ParticleResampling.Draw(Equal(50, members).exp(), scheme, random).equal(arange(members)).all().ToBoolean());
    }

    [Fact]
    public void Only_trajectories_in_which_too_few_particles_count_are_resampled()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("threshold");
        var members = random.Normal([2, 4, 3], ScalarType.Float64);
        // Effective sizes 1 / (4/16) = 4 and 1 / (0.49 + 0.03) = 1.92.
        var weights = tensor(new[] { 0.25, 0.25, 0.25, 0.25, 0.7, 0.1, 0.1, 0.1 }, 2, 4).log();
        ParticleMemory Resample(double ratio, ParticleJitter? jitter = null) =>
            new ParticlePropagater(new Lorenz63(), ResamplingScheme.Systematic, ratio, jitter).Resample(new(members, weights), random);
        var none = Resample(0.45);
        Assert.True(none.Members.equal(members).all().ToBoolean() && none.LogWeights.equal(weights).all().ToBoolean());
        var second = Resample(0.5);
        Assert.True(second.Members[0].equal(members[0]).all().ToBoolean());
        Compare.Close(Equal(2, 4), second.LogWeights, 1e-15);
        Assert.Equal(2, Math.Min(2, (second.Members[1] == members[1, 0]).all(-1).sum().ToInt64()));

        // Copies are moved apart, and what was drawn once stays unless all are to move.
        var moved = Resample(0.5, ParticleJitter.OfDuplicates(1)).Members[1];
        Assert.Equal(4, Distinct(moved));
        Assert.InRange((moved.unsqueeze(1) == members[1].unsqueeze(0)).all(-1).sum().ToInt64(), 1, 2);
        Assert.Equal(0,
            (Resample(0.5, ParticleJitter.OfAll(1)).Members[1].unsqueeze(1) == members[1].unsqueeze(0)).all(-1).sum().ToInt64());

        long Distinct(Tensor rows) =>
            Enumerable.Range(0, 4).Select(i => string.Join(' ', rows[i].data<double>().ToArray())).Distinct().LongCount();
    }

    [Fact]
    public void Jitter_has_the_particles_covariance_times_the_squared_bandwidth()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("jitter");
        const long members = 4000;
        var factor = tensor(new[,] { { 2.0, 0, 0 }, { 1, 0.5, 0 }, { -1, 0.2, 0.1 } });
        var x = random.Normal([1, members, 3], ScalarType.Float64).matmul(factor.T);
        // One particle counts a little more, so that the trajectory is resampled, and almost every particle goes on once.
        var raw = Equal(1, members).clone();
        raw[0, 0] += 1;
        var memory = new ParticleMemory(x, raw - raw.logsumexp(1, keepdim: true));
        var moved = new ParticlePropagater(new Lorenz63(), ResamplingScheme.Systematic, 1, ParticleJitter.OfAll(3))
            .Resample(memory, random).Members;
        double bandwidth = 3 * Math.Pow(members, -1.0 / 7);
        var covariance = factor.matmul(factor.T);
        Compare.Close((1 + bandwidth * bandwidth) * covariance, Compare.SampleCovariance(moved)[0], 0.06);
        Assert.InRange(bandwidth * bandwidth, 0.8, 0.9);
    }

    [Fact]
    public void Where_one_particle_counts_alone_its_copies_still_spread()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("alone");
        var members = random.Normal([1, 200, 3], ScalarType.Float64);
        var weights = members.select(-1, 0).square().mul(-1e9); // hundreds of powers of ten from one to the next
        var memory = new ParticleMemory(members, weights - weights.logsumexp(1, keepdim: true));
        Assert.InRange(new ParticleDensity(memory.Members, memory.LogWeights).EffectiveSize.ToDouble(), 1, 1 + 1e-12);
        var moved = new ParticlePropagater(new Lorenz63(), ResamplingScheme.Systematic, 0.5, ParticleJitter.OfDuplicates(0.9))
            .Resample(memory, random).Members;
        // As wide, in the directions that nothing was said of, as a share of what the particles were before.
        Assert.InRange(Compare.SampleCovariance(moved)[0, 1, 1].sqrt().ToDouble(), 0.1, 1);
        Assert.InRange(Compare.SampleCovariance(moved)[0, 2, 2].sqrt().ToDouble(), 0.1, 1);
    }

    [Fact]
    public void Approaches_the_Kalman_filter_at_the_Monte_Carlo_rate()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(7);
        using var random = context.Random("monte carlo");
        // Errors large enough for hundreds of particles to count.
        var network = new ObservationNetwork(system.Network.Operator, ErrorCovariance.Full(9 * system.R), null);
        var dynamicsSystem = system.System with { Network = network };
        var twin = context.Data.Twin(dynamicsSystem, new() { Cycles = 3 });
        using var exact = context.Analysis.KalmanFilter(dynamicsSystem).Run(twin);
        var propagater = new ParticlePropagater(system.Dynamics, ResamplingScheme.Systematic, 0.8);
        var analyzer = new ParticleFilterAnalyzer(network.Operator, network.Error);
        var few = new ParticleMemory(system.Initial.Draw(60 * 400, random, ScalarType.Float64).reshape(60, 400, LinearGaussianSystem.N),
            Equal(60, 400));
        var many = new ParticleMemory(system.Initial.Draw(60 * 6400, random, ScalarType.Float64).reshape(60, 6400, LinearGaussianSystem.N),
            Equal(60, 6400));
        while (exact.MoveNext())
        {
            var interval = new TimeInterval(exact.Time - 1, exact.Time);
            ParticleMemory Cycle(ParticleMemory memory) =>
                analyzer.Analyze(propagater.Propagate(memory, interval, random),
                    new Observation(exact[Columns.Observation].expand(60, 3), null, exact.Time), random);
            (few, many) = (Cycle(few), Cycle(many));
        }
        double Distance(ParticleMemory memory) =>
            (new ParticleDensity(memory.Members, memory.LogWeights).Mean - exact.Analysis.Mean).square().mean().sqrt().ToDouble();
        double Covariance(ParticleMemory memory) =>
            (new ParticleDensity(memory.Members, memory.LogWeights).Covariance - exact.Analysis.Covariance).square().mean().sqrt()
                .ToDouble();
        output.WriteLine($"mean {Distance(few):g4} {Distance(many):g4}, covariance {Covariance(few):g4} {Covariance(many):g4}");
        // 16 times the particles, a quarter of the error.
        Assert.InRange(Distance(few) / Distance(many), 2.8, 5.5);
        Assert.InRange(Covariance(few) / Covariance(many), 2.8, 5.5);
        Assert.InRange(Covariance(many) / exact.Analysis.Covariance.square().mean().sqrt().ToDouble(), 0, 0.1);
    }

    [Fact]
    public void Weights_far_below_the_smallest_number_do_no_harm_and_impossible_ones_are_a_divergence()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("underflow");
        var h = new IdentityObservationOperator(1);
        var analyzer = new ParticleFilterAnalyzer(h, ErrorCovariance.Scalar(1, 1e-6));
        var memory = new ParticleMemory(tensor(new[] { 0.0, 1, 2 }).reshape(1, 3, 1), Equal(1, 3));
        Observation At(double y) => new(full([1, 1], y, dtype: ScalarType.Float64), null, 0);
        // All three likelihoods are exp of minus a million and more.
        var far = analyzer.Analyze(memory, At(5), random);
        Assert.Equal(new[] { 0.0, 0, 1 }, far.LogWeights.exp().data<double>().ToArray());
        Assert.True(far.LogWeights.isfinite().all().ToBoolean());
        var density = new ParticleDensity(far.Members, far.LogWeights);
        Assert.Equal(2, density.Mean.ToDouble());
        Assert.Equal(0, density.StandardDeviation.ToDouble());
        // And a later observation goes on from there.
        Assert.Equal(2, new ParticleDensity(memory.Members, analyzer.Analyze(far, At(2), random).LogWeights).Mean.ToDouble());

        var network = new ObservationNetwork(h, ErrorCovariance.Scalar(1, 1), null);
        var still = new LinearDynamics(eye(1, dtype: ScalarType.Float64));
        var data = new Dictionary<Column, Tensor> { [Columns.Observation] = tensor(new[] { 0.0, 1e200, 0 }, 3, 1, 1) };
        using var view = context.Data.FromMemory(data, [1, 2, 3]);
        var start = new GaussianInitialCondition(zeros(1, dtype: ScalarType.Float64), ErrorCovariance.Scalar(1, 1));
        var system = new AssimilationSystem(still, network) { Initial = start };
        using var run = context.Analysis.ParticleFilter(system, new() { Members = 10 }).Run(view);
        Assert.True(run.MoveNext());
        Assert.Equal(1, Assert.Throws<DivergenceException>(() => run.MoveNext()).Cycle);
    }

    [Fact]
    public void Lorenz_63_scores_as_published()
    {
        var dynamics = new Lorenz63();
        using var scope = NewDisposeScope();
        var start = new GaussianInitialCondition(tensor(new[] { 1.509, -1.531, 25.46 }), ErrorCovariance.Scalar(3, 2));
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension, 2)) { Interval = 0.25, Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 20, Cycles = 130 });
        var report =
            context.Scores.Evaluate(
                context.Analysis.ParticleFilter(system,
                    new() { Members = 800, EffectiveSizeRatio = 0.2, Jitter = ParticleJitter.OfDuplicates(0.9) }).Transform(twin),
                    new ScoreOptions { BurnIn = 20 });
        double median = report.AnalysisRmse.PerTrajectory.Order().ElementAt(10);
        output.WriteLine($"median {median:f3}, mean {report.AnalysisRmse}, spread {report.AnalysisSpread}");
        Assert.InRange(median, 0.9 * 0.28, 1.1 * 0.28);
    }

    [Fact]
    public void Bad_settings_are_refused()
    {
        var dynamics = new Lorenz63();
        var network = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, network);
        Assert.Throws<ArgumentOutOfRangeException>(() => ParticleJitter.OfAll(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ParticleJitter.OfDuplicates(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Analysis.ParticleFilter(system, ParticleFilter.Bootstrap(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Analysis.ParticleFilter(system, new() { EffectiveSizeRatio = 1.1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ParticlePropagater(dynamics, (ResamplingScheme)9));
        Assert.Throws<ArgumentException>(() => new ParticleFilterAnalyzer(network.Operator, ErrorCovariance.Scalar(2, 1)));
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => new ParticleDensity(ones(1, 3, 2), ones(1, 2)));
    }
}

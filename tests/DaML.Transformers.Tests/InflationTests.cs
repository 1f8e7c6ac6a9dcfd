using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class InflationTests
{
    private readonly DataAssimilationContext context = new(31);
    private readonly LinearGaussianSystem system = new(8);

    private (Tensor Ensemble, Observation Observation) Case(RandomStream random, long batch = 2, long members = 12)
    {
        var ensemble = random.Normal([batch, members, LinearGaussianSystem.N], ScalarType.Float64);
        return (ensemble, new Observation(random.Normal([batch, 3], ScalarType.Float64), null, 0));
    }

    private IAnalyzer<EnsembleMemory>[] Analyzers(Inflation inflation) =>
    [
        new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, inflation),
        new StochasticEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, inflation),
        new FiniteSizeEnsembleKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, inflation: inflation),
    ];

    // Each analyzer with and without an inflation, with the same draws.
    private void Compare2(Inflation inflation, Action<Tensor, Tensor, Tensor> compare)
    {
        using var scope = NewDisposeScope();
        using var draws = context.Random("case");
        var (ensemble, observation) = Case(draws);
        foreach (var (plain, inflated) in Analyzers(Inflation.None).Zip(Analyzers(inflation)))
        {
            using var one = context.Random("analyzer");
            using var two = context.Random("analyzer");
            compare(ensemble, plain.Analyze(new(ensemble), observation, one).Members,
                inflated.Analyze(new(ensemble), observation, two).Members);
        }
    }

    private static Tensor Anomalies(Tensor members) => EnsembleStatistics.Split(members).Anomalies;

    [Fact]
    public void Relaxation_to_prior_perturbations_mixes_them_and_keeps_the_mean() =>
        Compare2(Inflation.RelaxationToPriorPerturbations(0.3), (prior, plain, relaxed) =>
        {
            Compare.Close(plain.mean([1]), relaxed.mean([1]), 1e-13);
            Compare.Close(0.7 * Anomalies(plain) + 0.3 * Anomalies(prior), Anomalies(relaxed), 1e-13);
        });

    [Fact]
    public void Relaxation_to_prior_spread_gives_each_component_its_share_of_the_priors_spread_back() =>
        Compare2(Inflation.RelaxationToPriorSpread(0.4), (prior, plain, relaxed) =>
        {
            Tensor Spread(Tensor members) => new EnsembleDensity(members).StandardDeviation;
            Compare.Close(plain.mean([1]), relaxed.mean([1]), 1e-13);
            Compare.Close(0.6 * Spread(plain) + 0.4 * Spread(prior), Spread(relaxed), 1e-13);
            // Only the length of a component's column changes.
            var (x, y) = (Anomalies(plain), Anomalies(relaxed));
            Compare.Close(x / x.norm(1, keepdim: true, p: 2), y / y.norm(1, keepdim: true, p: 2), 1e-12);
        });

    [Fact]
    public void Relaxation_of_an_ensemble_without_spread_stays_finite()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("flat");
        var flat = ones(1, 4, 3, dtype: ScalarType.Float64);
        Compare.Close(flat, Inflation.RelaxationToPriorSpread(0.5).AfterUpdate(flat, flat, random), 1e-15);
    }

    [Theory]
    [InlineData(NoiseTreatment.Stochastic)]
    [InlineData(NoiseTreatment.SquareRoot)]
    public void Additive_inflation_adds_its_covariance_and_keeps_the_mean(NoiseTreatment treatment)
    {
        using var scope = NewDisposeScope();
        var q = ErrorCovariance.Full(system.Q);
        bool drawn = treatment == NoiseTreatment.Stochastic;
        using var random = context.Random("additive");
        long batch = drawn ? 4000 : 1;
        var ensemble = Compare.ExactEnsemble(system.M0, system.P0, 8).expand(batch, 8, LinearGaussianSystem.N);
        var added = Inflation.Additive(q, treatment).AfterUpdate(ensemble, ensemble, random);
        Compare.Close(ensemble.mean([1]), added.mean([1]), 1e-12);
        // On average over many ensembles where it is drawn: the relative standard error of a covariance of 4000 x 7 degrees of freedom is
        // below a hundredth.
        Compare.Close(system.P0 + system.Q, Compare.SampleCovariance(added).mean([0]), drawn ? 0.03 : 1e-12);
        // Nothing happens to the other of the two covariances.
        Assert.Same(ensemble, Inflation.Additive(q, treatment).BeforeUpdate(ensemble, random));
        Assert.Same(ensemble, Inflation.Additive(q, treatment, InflationTarget.Prior).AfterUpdate(ensemble, ensemble, random));
        if (!drawn) Compare.Close(added, Inflation.Additive(q, treatment, InflationTarget.Prior).BeforeUpdate(ensemble, random), 0);
    }

    [Fact]
    public void Additive_inflation_of_the_prior_is_the_Kalman_filter_of_the_sum()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("sum");
        var y = new Observation(random.Normal([1, 3], ScalarType.Float64), null, 0);
        var exact = new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error)
            .Analyze(new(system.M0.unsqueeze(0), (system.P0 + system.Q).unsqueeze(0)), y, random);
        var analysis = new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error,
                Inflation.Additive(ErrorCovariance.Full(system.Q), NoiseTreatment.SquareRoot, InflationTarget.Prior))
            .Analyze(new(Compare.ExactEnsemble(system.M0, system.P0, 9)), y, random).Members;
        Compare.Close(exact.Mean, analysis.mean([1]), 1e-10);
        Compare.Close(exact.Covariance, Compare.SampleCovariance(analysis), 1e-10);
    }

    [Fact]
    public void Two_inflations_act_one_after_the_other()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("both");
        var both = Inflation.RelaxationToPriorSpread(0.4).And(Inflation.StandardDeviation(1.1))
            .And(Inflation.Variance(1.21, InflationTarget.Prior));
        Assert.Equal(1.1, both.PosteriorFactor, 14);
        Assert.Equal(1.1, both.PriorFactor, 14);
        var (ensemble, observation) = Case(random);
        var analyzer = (Inflation inflation) =>
            new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, inflation)
                .Analyze(new(ensemble), observation, random).Members;
        var byHand = Inflation.RelaxationToPriorSpread(0.4).AfterUpdate(ensemble,
            ensemble.mean([1], keepdim: true) * 0 +
            analyzer(Inflation.StandardDeviation(1.1).And(Inflation.StandardDeviation(1.1, InflationTarget.Prior))), random);
        Compare.Close(byHand, analyzer(both), 1e-13);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        var q = ErrorCovariance.Scalar(5, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => Inflation.RelaxationToPriorPerturbations(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Inflation.RelaxationToPriorPerturbations(-0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Inflation.RelaxationToPriorSpread(double.NaN));
        Assert.Throws<ArgumentException>(() => Inflation.Variance(1.1).And(Inflation.StandardDeviation(1.1)));
        Assert.Throws<ArgumentException>(() =>
            Inflation.RelaxationToPriorSpread(0.5).And(Inflation.Variance(1.1)).And(Inflation.RelaxationToPriorPerturbations(0.5)));
        Assert.Throws<ArgumentException>(() => Inflation.Additive(q).And(Inflation.Additive(q)));
        using var scope = NewDisposeScope();
        using var random = context.Random("refused");
        Assert.Contains("must have 5",
            Assert.Throws<ArgumentException>(() => Inflation.Additive(q).AfterUpdate(ones(1, 3, 4), ones(1, 3, 4), random)).Message);
        var (h, r) = (new IdentityObservationOperator(5), ErrorCovariance.Scalar(5, 1));
        Assert.Throws<ArgumentException>(() => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r,
            inflation: Inflation.RelaxationToPriorSpread(0.1).And(Inflation.ForgettingFactor(0.9))));
        Assert.Contains("itself",
            Assert.Throws<ArgumentException>(() =>
                new AdaptiveInflationAnalyzer(new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r), h, r)).Message);
        var plain = new EnsembleTransformKalmanFilterAnalyzer(h, r);
        Assert.Contains("rotation", Assert.Throws<ArgumentException>(() => new EnsembleTransformKalmanFilterAnalyzer(h, r,
            Inflation.StandardDeviation(1.1).And(Inflation.RelaxationToPriorPerturbations(0.3)), EnsembleRotation.MeanPreserving)).Message);
        Assert.Throws<ArgumentException>(() => new AdaptiveInflationAnalyzer(plain, h, r, new AdaptiveInflation { Smallest = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new AdaptiveInflationAnalyzer(plain, h, r, new AdaptiveInflation { Deviation = -1 }));
        var system = new AssimilationSystem(new Lorenz96(8), ObservationNetwork.Full(8));
        Assert.Contains("itself", Assert.Throws<ArgumentException>(() =>
            context.Analysis.AdaptivelyInflatedFilter(system,
                new() { Filter = new FiniteSizeEnsembleKalmanFilter { Members = 5 } })).Message);
    }

    [Fact]
    public void Adaptive_inflation_finds_the_factor_by_which_an_ensemble_is_too_sure_of_itself()
    {
        // Truth and members are drawn from N(m, P), but the members' anomalies are divided by sqrt(2): rho settles on 2.
        using var scope = NewDisposeScope();
        using var random = context.Random("too sure");
        var analyzer =
            new AdaptiveInflationAnalyzer(new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error),
            system.Network.Operator, system.Network.Error);
        var members = Compare.ExactEnsemble(system.M0, system.P0 / 2, 12);
        var rho = ones(200, 1, dtype: ScalarType.Float64);
        var memory = members.expand(200, 12, LinearGaussianSystem.N);
        for (int cycle = 0; cycle < 1500; cycle++)
        {
            using var inner = NewDisposeScope();
            var y = system.Network.Observe(system.Initial.Draw(200, random, ScalarType.Float64), 0, random);
            var next = analyzer.Analyze(new(new(memory), new(rho)), y, random).Second.Vector;
            rho.Dispose();
            rho = next.MoveToOuterDisposeScope();
        }
        Assert.InRange(rho.mean().ToDouble(), 1.9, 2.1);
        Assert.InRange(rho.std().ToDouble(), 0.01, 0.3);
    }

    [Fact]
    public void Adaptive_inflation_that_may_not_move_is_the_plain_filter_and_nothing_observed_changes_no_factor()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("still");
        var (ensemble, observation) = Case(random);
        var inner = new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error);
        var rho = tensor(new[] { 1.3, 1.7 }, 2, 1);
        var (analysis,
            factor) = new AdaptiveInflationAnalyzer(inner, system.Network.Operator, system.Network.Error,
                new AdaptiveInflation { Start = 1.5, Deviation = 0 })
            .Analyze(new(new(ensemble), new(rho)), observation, random);
        for (int b = 0; b < 2; b++)
        {
            var one = new EnsembleTransformKalmanFilterAnalyzer(system.Network.Operator, system.Network.Error,
                Inflation.Variance(rho[b, 0].ToDouble(), InflationTarget.Prior))
                .Analyze(new(ensemble), observation, random);
            // The filter takes the factor as the prior's weight, which leaves the anomalies' own scale to the posterior: same covariance,
            // same mean.
            Compare.Close(one.Members[b].mean([0]), analysis.Members[b].mean([0]), 1e-12);
            Compare.Close(Compare.SampleCovariance(one.Members)[b], Compare.SampleCovariance(analysis.Members)[b], 1e-12);
        }
        Compare.Close(rho, factor.Vector, 0);

        var nothing = observation with { Mask = tensor(new[] { true, true, true, false, false, false }, 2, 3) };
        var next = new AdaptiveInflationAnalyzer(inner, system.Network.Operator, system.Network.Error)
            .Analyze(new(new(ensemble), new(rho)), nothing, random).Second.Vector;
        Assert.NotEqual(1.3, next[0, 0].ToDouble());
        Assert.Equal(1.7, next[1, 0].ToDouble());
    }

    [Fact]
    public void Lorenz_96_with_each_inflation_scores_as_with_a_tuned_factor()
    {
        var dynamics = new Lorenz96();
        var network = ObservationNetwork.Full(dynamics.Dimension);
        using var scope = NewDisposeScope();
        var system = new AssimilationSystem(dynamics, network) { Initial = PublishedStart.Lorenz96() };
        using var twin = context.Data.Twin(system, new() { Batch = 6, Cycles = 500 }).Materialise();
        double Score(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { BurnIn = 150 }).AnalysisRmse.PerTrajectory.Order()
                .ElementAt(3);
        EnsembleTransformKalmanFilter With(Inflation inflation, EnsembleRotation rotation = EnsembleRotation.MeanPreserving) =>
            new() { Members = 24, Inflation = inflation, Rotation = rotation };
        ITransformer Filter(Inflation inflation, EnsembleRotation rotation = EnsembleRotation.MeanPreserving) =>
            With(inflation, rotation).For(system, context);
        double tuned = Score(Filter(Inflation.StandardDeviation(1.03)));
        Assert.InRange(tuned, 0.17, 0.21);
        Assert.InRange(Score(Filter(Inflation.RelaxationToPriorPerturbations(0.3), EnsembleRotation.None)) / tuned, 0.9, 1.15);
        Assert.InRange(Score(Filter(Inflation.RelaxationToPriorSpread(0.3))) / tuned, 0.9, 1.15);
        Assert.InRange(Score(context.Analysis.AdaptivelyInflatedFilter(system, new() { Filter = With(Inflation.None) })) / tuned, 0.9, 1.2);
    }
}

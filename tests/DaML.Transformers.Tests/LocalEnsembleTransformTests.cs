using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class LocalEnsembleTransformTests(ITestOutputHelper output)
{
    private readonly DataAssimilationContext context = new(31);

    /// <summary>Hunt et al. 2007, component by component, written out with nothing but matrices.</summary>
    private static Tensor Reference(Tensor members, Tensor h, Tensor sigma, Tensor y, Func<int, int, double> weight, double posterior,
        Tensor? rotation)
    {
        long count = members.shape[0], n = members.shape[1], p = h.shape[0];
        var result = zeros_like(members);
        var observed = members.matmul(h.T);
        var mean = members.mean([0]);
        var observedMean = observed.mean([0]);
        var anomalies = members - mean;
        var local = observed - observedMean;
        for (int i = 0; i < n; i++)
        {
            using var scope = NewDisposeScope();
            var precision = tensor(Enumerable.Range(0, (int)p).Select(j => weight(i, j)).ToArray()) / sigma.square();
            var a = (local * precision).matmul(local.T) + (count - 1) * eye(count, dtype: ScalarType.Float64);
            var inverse = linalg.inv(a);
            var w = inverse.matmul((local * precision).matmul(y - observedMean));
            var (values, vectors) = linalg.eigh((count - 1) * inverse);
            var transform = (vectors * values.sqrt()).matmul(vectors.T) * posterior;
            if (rotation is not null) transform = rotation.matmul(transform);
            result[.., i] = mean[i] + (transform + w).matmul(anomalies[.., i]);
        }
        return result;
    }

    [Theory]
    [InlineData(4, 1)]
    [InlineData(7, 3)]
    [InlineData(16, 2)]
    [InlineData(21, 2)]
    public void Each_component_is_the_transform_by_its_own_observations(int members, int batch)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(members, "local", CPU);
        const int n = 75, p = 30;
        var place = random.Uniform([p, 1], ScalarType.Float64) * n;
        var h = random.Normal([p, n], ScalarType.Float64);
        var sigma = random.Uniform([p], ScalarType.Float64) + 0.5;
        var ensemble = random.Normal([batch, members, n], ScalarType.Float64) + 1;
        var y = random.Normal([batch, p], ScalarType.Float64);
        var mask = random.Uniform([batch, p], ScalarType.Float64) > 0.2;
        var taper = LocalisationTaper.GaspariCohn;
        double[] places = place.data<double>().ToArray();
        double Weight(int i, int j)
        {
            double distance = Math.Abs(i - places[j]);
            return taper.At(Math.Min(distance, n - distance) / 6);
        }
        foreach (var rotation in Enum.GetValues<EnsembleRotation>())
        {
            var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(new LinearObservationOperator(h),
                ErrorCovariance.Diagonal(sigma.square()),
                new Localisation(LocalisationGeometry.Circle(n), LocalisationRadius.HalfWidth(6), taper, place),
                Inflation.StandardDeviation(1.1), rotation);
            using RandomStream first = new(1, "rotation", CPU), second = new(1, "rotation", CPU), third = new(1, "rotation", CPU);
            var turn = rotation == EnsembleRotation.None ? null : RandomRotation.MeanPreserving(batch, members, first, ScalarType.Float64);
            var observation = new Observation(y, mask, 0);
            var analysis = analyzer.Analyze(new(ensemble), observation, second).Members;
            for (int b = 0; b < batch; b++)
            {
                var there = mask[b].data<bool>().ToArray();
                Compare.Close(Reference(ensemble[b], h, sigma, y[b], (i, j) => there[j] ? Weight(i, j) : 0, 1.1, turn?[b]), analysis[b],
                    1e-11);
            }
            // Tensor by tensor it is the same.
            var tensors =
                analyzer.InTensors(
                    ObservedEnsemble.Of(ensemble, observation, new LinearObservationOperator(h), ErrorCovariance.Diagonal(sigma.square())),
                    members - 1, turn);
            Compare.Close(tensors, analysis, 1e-12);
            var single = analyzer.Analyze(new(ensemble.to(ScalarType.Float32)), new Observation(y.to(ScalarType.Float32), mask, 0),
                third).Members;
            if (rotation == EnsembleRotation.None) Compare.Close(analysis, single.to(ScalarType.Float64), 2e-5);
        }
    }

    [Theory]
    [InlineData(9)]
    [InlineData(25)]
    public void Without_end_to_its_reach_it_is_the_transform_filter(int members)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(members, "infinite", CPU);
        var ensemble = random.Normal([2, members, 40], ScalarType.Float64) + 2;
        var observation = new Observation(random.Normal([2, 20], ScalarType.Float64), random.Uniform([2, 20], ScalarType.Float64) > 0.2, 0);
        var h = SubsetObservationOperator.Strided(40, 2);
        var r = ErrorCovariance.Scalar(20, 0.8);
        foreach (var inflation in new Inflation[]
            { Inflation.StandardDeviation(1.07), Inflation.ForgettingFactor(0.9), Inflation.RelaxationToPriorSpread(0.3) })
        {
            using RandomStream first = new(1, "rotation", CPU), second = new(1, "rotation", CPU), third = new(1, "rotation", CPU);
            var expected = new EnsembleTransformKalmanFilterAnalyzer(h, r, inflation, EnsembleRotation.MeanPreserving)
                .Analyze(new(ensemble), observation, first).Members;
            foreach (var taper in new[] { LocalisationTaper.GaspariCohn, LocalisationTaper.Boxcar, LocalisationTaper.Gaussian })
            {
                using var stream = new RandomStream(1, "rotation", CPU);
                var local = new LocalEnsembleTransformKalmanFilterAnalyzer(h, r,
                    new(LocalisationGeometry.Circle(40), LocalisationRadius.Infinite, taper), inflation, EnsembleRotation.MeanPreserving);
                Compare.Close(expected, local.Analyze(new(ensemble), observation, stream).Members, 1e-10);
            }
            // A box around everything is no localisation either.
            var boxed = new LocalEnsembleTransformKalmanFilterAnalyzer(h, r,
                new(LocalisationGeometry.Circle(40), LocalisationRadius.HalfWidth(21), LocalisationTaper.Boxcar), inflation,
                EnsembleRotation.MeanPreserving);
            Compare.Close(expected, boxed.Analyze(new(ensemble), observation, second).Members, 1e-10);
        }
    }

    [Fact]
    public void With_the_smallest_reach_each_component_is_a_scalar_update_by_its_own_observation()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(5, "tiny", CPU);
        var ensemble = random.Normal([1, 6, 30], ScalarType.Float64);
        var y = random.Normal([1, 15], ScalarType.Float64);
        var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(SubsetObservationOperator.Strided(30, 2),
            ErrorCovariance.Scalar(15, 0.5),
            new Localisation(LocalisationGeometry.Line(30), LocalisationRadius.HalfWidth(0.4)));
        var analysis = analyzer.Analyze(new(ensemble), new Observation(y, null, 0), random).Members[0];
        for (int i = 0; i < 30; i++)
        {
            var x = ensemble[0].select(1, i);
            double mean = x.mean().ToDouble(), variance = x.var().ToDouble(), gain = i % 2 == 0 ? variance / (variance + 0.5) : 0;
            double innovation = i % 2 == 0 ? y[0, i / 2].ToDouble() - mean : 0;
            Compare.Close(mean + gain * innovation + Math.Sqrt(1 - gain) * (x - mean), analysis.select(1, i), 1e-12);
        }
    }

    [Fact]
    public void It_commutes_with_the_symmetry_of_Lorenz_96()
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(24);
        using var random = context.Random("shift");
        var ensemble = random.Normal([2, 5, 24], ScalarType.Float64) + 3;
        var y = random.Normal([2, 24], ScalarType.Float64) + 3;
        var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(24), ErrorCovariance.Scalar(24, 1),
            new Localisation(LocalisationGeometry.Circle(24), LocalisationRadius.EFolding(3)), Inflation.StandardDeviation(1.05));
        Tensor Cycle(Tensor e, Tensor observation) => analyzer.Analyze(
            new EnsemblePropagater(dynamics).Propagate(new(e), new TimeInterval(0, 0.1), random), new Observation(observation, null, 0.1),
            random).Members;
        Compare.Close(Cycle(ensemble, y).roll(5, -1), Cycle(ensemble.roll(5, -1), y.roll(5, -1)), 1e-12);
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Theory]
        [InlineData(7)]
        [InlineData(20)]
        public void The_same_to_the_bit_whatever_the_number_of_threads(int members)
        {
            using var scope = NewDisposeScope();
            using var random = new RandomStream(6, "threads", CPU);
            var ensemble = random.Normal([2, members, 1000], ScalarType.Float64);
            var y = new Observation(random.Normal([2, 1000], ScalarType.Float64), null, 0);
            var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(1000),
                ErrorCovariance.Scalar(1000, 1),
                new Localisation(LocalisationGeometry.Circle(1000), LocalisationRadius.EFolding(4)));
            var one = ThreadCounts.With(1, () => analyzer.Analyze(new(ensemble), y, random).Members);
            foreach (int other in new[] { 2, 5 })
                Assert.True(one.Equals(ThreadCounts.With(other, () => analyzer.Analyze(new(ensemble), y, random).Members)));
        }
    }

    [Fact]
    public void Lorenz_96_with_seven_members_scores_what_is_published()
    {
        // DAPPER: N = 7, inflation 1.04, Gaspari-Cohn radius 4, rotation: 0.22.
        var dynamics = new Lorenz96();
        using var scope = NewDisposeScope();
        var start = PublishedStart.Lorenz96();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension)) { Initial = start };
        var twin = context.Data.Twin(system, new() { Batch = 6, Cycles = 1200 });
        var filter = context.Analysis.LocalEnsembleTransformKalmanFilter(system,
            new() { Members = 7, Localisation = new(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)),
                Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving });
        var scores = context.Scores.Evaluate(filter.Transform(twin), new ScoreOptions { BurnIn = 200 }).AnalysisRmse.PerTrajectory;
        double median = scores.Order().ElementAt(scores.Count / 2);
        output.WriteLine($"LETKF: median {median:f4} of {string.Join(", ", scores.Select(score => $"{score:f3}"))}");
        Assert.InRange(median, 0.198, 0.242);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_a_reason()
    {
        using var scope = NewDisposeScope();
        var h = new IdentityObservationOperator(10);
        var r = ErrorCovariance.Scalar(10, 1);
        var circle = LocalisationGeometry.Circle(10);
        var localisation = new Localisation(circle, LocalisationRadius.EFolding(2));
        string Refusal(Func<object> make) => Assert.ThrowsAny<ArgumentException>(make).Message;
        Assert.Contains("uncorrelated",
            Refusal(() =>
                new LocalEnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Full(eye(10, dtype: ScalarType.Float64)), localisation)));
        Assert.Contains("rotation",
            Refusal(() =>
                new LocalEnsembleTransformKalmanFilterAnalyzer(h, r, localisation, Inflation.RelaxationToPriorPerturbations(0.3),
                    EnsembleRotation.MeanPreserving)));
        Assert.Contains("10 places",
            Refusal(() =>
                new LocalEnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(12), ErrorCovariance.Scalar(12, 1),
                    localisation)));
        Assert.Contains("where its observations are",
            Refusal(() =>
                new LocalEnsembleTransformKalmanFilterAnalyzer(new LinearObservationOperator(ones(3, 10, dtype: ScalarType.Float64)),
                    ErrorCovariance.Scalar(3, 1), localisation)));
        Assert.Contains("positions of 4",
            Refusal(() =>
                new LocalEnsembleTransformKalmanFilterAnalyzer(h, r,
                    new(circle, LocalisationRadius.EFolding(2), null, arange(4, dtype: ScalarType.Float64)))));
        Assert.Contains("coordinates",
            Refusal(() => new Localisation(circle, LocalisationRadius.EFolding(2), null, ones(10, 2, dtype: ScalarType.Float64))));
        Assert.Contains("above zero", Refusal(() => LocalisationRadius.HalfWidth(0)));
        Assert.Contains("periods", Refusal(() => LocalisationGeometry.Places(ones(4, 2, dtype: ScalarType.Float64), 3.0)));
        var analyzer = new LocalEnsembleTransformKalmanFilterAnalyzer(h, r, localisation);
        using var random = new RandomStream(1, "refused", CPU);
        Assert.Throws<ArgumentException>(() =>
            analyzer.Analyze(new(ones(1, 4, 10, dtype: ScalarType.Float64)),
                new Observation(ones(1, 9, dtype: ScalarType.Float64), null, 0), random));
        Assert.Throws<ArgumentException>(() =>
            analyzer.Analyze(new(ones(1, 4, 10, dtype: ScalarType.Float64)),
                new Observation(ones(1, 10, dtype: ScalarType.Float64), ones(1, 10), 0), random));
    }
}

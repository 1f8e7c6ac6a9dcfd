using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The analysis in one piece against the same analysis tensor by tensor.</summary>
public sealed class EnsembleTransformKernelTests
{
    private static IErrorCovariance Error(string kind, long p, RandomStream random) => kind switch
    {
        "scalar" => ErrorCovariance.Scalar(p, 0.7),
        "diagonal" => ErrorCovariance.Diagonal(random.Uniform([p], ScalarType.Float64) + 0.2),
        _ => ErrorCovariance.Full(random.Normal([p, p], ScalarType.Float64) is var a
            ? a.matmul(a.mT) / p + 0.3 * eye(p, dtype: ScalarType.Float64) : null!),
    };

    [Theory]
    [InlineData(2, 3, 1, "scalar")]
    [InlineData(5, 12, 12, "diagonal")]
    [InlineData(12, 17, 9, "full")]
    [InlineData(20, 40, 40, "scalar")]
    [InlineData(40, 40, 20, "diagonal")]
    [InlineData(40, 40, 40, "scalar")]
    [InlineData(65, 30, 70, "full")]
    public void Analyses_agree_with_the_tensors(int members, int n, int p, string error)
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(members, "transform kernel", CPU);
        var h = new LinearObservationOperator(random.Normal([p, n], ScalarType.Float64));
        var r = Error(error, p, random);
        var ensemble = random.Normal([3, members, n], ScalarType.Float64) + 2;
        var values = random.Normal([3, p], ScalarType.Float64) + 2;
        foreach (var mask in new[] { null, random.Uniform([3, p], ScalarType.Float64) > 0.3 })
            foreach (var rotation in Enum.GetValues<EnsembleRotation>())
                foreach (double prior in new[] { 1, 1.2 })
                {
                    var observation = new Observation(values, mask, 0);
                    var observed = ObservedEnsemble.Of(ensemble, observation, h, r);
                    var transform = EnsembleTransform.Of(observed.ObservedAnomalies, observed.Innovation);
                    RandomStream Stream() => new(1, "rotation", CPU);
                    using RandomStream first = Stream(), second = Stream(), third = Stream();
                    var turn = rotation == EnsembleRotation.None ? null
                        : RandomRotation.MeanPreserving(3, members, first, ScalarType.Float64);

                    var plain = new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.StandardDeviation(prior, InflationTarget.Prior),
                        rotation);
                    var expected = transform.Apply(observed.Mean, observed.Anomalies, tensor((members - 1) / (prior * prior)), 1, turn);
                    Compare.Close(expected, plain.Analyze(new(ensemble), observation, second).Members, 1e-12);

                    var finite = new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r, inflation: Inflation.StandardDeviation(prior),
                        rotation: rotation);
                    var zeta = FiniteSizeEnsembleKalmanFilterAnalyzer.PriorWeight(transform, members, FiniteSizePrior.DiracJeffreys());
                    Compare.Close(transform.Apply(observed.Mean, observed.Anomalies, zeta, prior, turn),
                        finite.Analyze(new(ensemble), observation, third).Members, 1e-12);
                }
    }

    [Fact]
    public void Single_precision_and_views_of_other_memory_are_taken()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(2, "transform kernel", CPU);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(10), ErrorCovariance.Scalar(10, 1));
        var ensemble = random.Normal([10, 6, 2], ScalarType.Float64).permute(2, 1, 0);
        var values = random.Normal([10, 2], ScalarType.Float64).mT;
        var expected = analyzer.Analyze(new(ensemble.contiguous()), new Observation(values.contiguous(), null, 0), random).Members;
        Assert.True(expected.Equals(analyzer.Analyze(new(ensemble), new Observation(values, null, 0), random).Members));
        var single = analyzer.Analyze(new(ensemble.to(ScalarType.Float32)), new Observation(values.to(ScalarType.Float32), null, 0),
            random).Members;
        Assert.Equal(ScalarType.Float32, single.dtype);
        Compare.Close(expected, single.to(ScalarType.Float64), 1e-5);
    }

    [Fact]
    public void Gradients_take_the_way_of_tensors()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "transform kernel", CPU);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1));
        var ensemble = random.Normal([1, 5, 3], ScalarType.Float64).requires_grad_();
        var observation = new Observation(zeros(1, 3, dtype: ScalarType.Float64), null, 0);
        Tensor Score(Tensor e) => analyzer.Analyze(new(e), observation, random).Members.mean([1]).square().sum();
        var gradient = autograd.grad([Score(ensemble)], [ensemble])[0];
        var direction = random.Normal([1, 5, 3], ScalarType.Float64);
        using var noGradients = no_grad();
        double expected = (Score(ensemble + 1e-5 * direction) - Score(ensemble - 1e-5 * direction)).ToDouble() / 2e-5;
        Assert.Equal(expected, (gradient * direction).sum().ToDouble(), 1e-7);
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void A_batch_on_several_threads_is_each_trajectory_by_itself_to_the_bit_and_bad_shapes_are_refused()
        {
            using var scope = NewDisposeScope();
            using var random = new RandomStream(4, "transform kernel", CPU);
            var analyzer = new FiniteSizeEnsembleKalmanFilterAnalyzer(new IdentityObservationOperator(40), ErrorCovariance.Scalar(40, 1));
            var ensemble = random.Normal([9, 30, 40], ScalarType.Float64);
            var values = random.Normal([9, 40], ScalarType.Float64);
            var all = ThreadCounts.With(3, () => analyzer.Analyze(new(ensemble), new Observation(values, null, 0), random).Members);
            for (int b = 0; b < 9; b++)
                Assert.True(all[b]
                    .Equals(ThreadCounts.With(1,
                        () => analyzer.Analyze(new(ensemble[b].unsqueeze(0)), new Observation(values[b].unsqueeze(0), null, 0),
                            random).Members[0])));
            Assert.Throws<ArgumentException>(() => analyzer.Analyze(new(ensemble), new Observation(values[..2], null, 0), random));
            Assert.Throws<ArgumentException>(() => analyzer.Analyze(new(ensemble), new Observation(values, zeros(9, 40), 0), random));
            Assert.Throws<ArgumentException>(() =>
                analyzer.Analyze(new(ensemble), new Observation(values, zeros(9, 39, dtype: ScalarType.Bool), 0), random));
        }

        [Theory]
        [InlineData(20, 40, 40, 2, "scalar", ScalarType.Float64)]
        [InlineData(7, 5, 11, 1, "diagonal", ScalarType.Float64)]
        [InlineData(13, 30, 17, 1, "scalar", ScalarType.Float64)]
        [InlineData(18, 20, 25, 1, "diagonal", ScalarType.Float32)]
        public void Groups_of_trajectories_side_by_side_are_each_trajectory_by_itself_to_the_bit(int members, int n, int p, int threads,
            string error, ScalarType precision)
        {
            using var scope = NewDisposeScope();
            using var random = new RandomStream(members, "side by side", CPU);
            var r = Error(error, p, random);
            long batch = 35;
            Assert.True(ThreadCounts.With(threads, () => precision == ScalarType.Float64 ? TransformLanes<double>.Pays(batch, members, n, p)
                : TransformLanes<float>.Pays(batch, members, n, p)));
            var ensemble = random.Normal([batch, members, n], precision) + 2;
            var observed = random.Normal([batch, members, p], precision) + 2;
            var values = random.Normal([batch, p], precision) + 2;
            foreach (var mask in new[] { null, random.Uniform([batch, p], precision) > 0.3 })
                foreach (var weight in new[]
                    { PriorWeight.Fixed(members - 1),
                        PriorWeight.FiniteSize(FiniteSizePrior.DiracJeffreys(), members, FiniteSizeForm.Dual) })
                {
                    Tensor Of(long first, long count) => EnsembleTransformKernel.Analyze(ensemble.narrow(0, first, count),
                        observed.narrow(0, first, count),
                        new Observation(values.narrow(0, first, count), mask?.narrow(0, first, count), 0), r, weight, 1.1, null);
                    var all = ThreadCounts.With(threads, () => Of(0, batch));
                    foreach (long b in new[] { 0L, 6, 7, 33, 34 }) Assert.True(all[b].Equals(Of(b, 1)[0]), $"trajectory {b}");
                }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(40)]
    public void Rotations_are_the_same_in_one_piece(int members)
    {
        using var scope = NewDisposeScope();
        using RandomStream random = new(7, "rotation", CPU), again = new(7, "rotation", CPU);
        var expected = RandomRotation.Compose(random.Normal([5, members, members - 1], ScalarType.Float64));
        var rotations = RandomRotation.MeanPreserving(5, members, again, ScalarType.Float64);
        Compare.Close(expected, rotations, 1e-10); // the factorisation of nearly dependent numbers loses digits, orthogonality does not
        Compare.Close(eye(members, dtype: ScalarType.Float64).expand(5, members, members), rotations.matmul(rotations.mT), 1e-13);
        Compare.Close(ones(5, members, dtype: ScalarType.Float64), rotations.sum(-1), 1e-13);
        var single = RandomRotation.MeanPreserving(5, members, again, ScalarType.Float32);
        Compare.Close(eye(members).expand(5, members, members), single.matmul(single.mT), 1e-5);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public class RandomStreamTests
{
    [Fact]
    public void A_streams_numbers_follow_from_seed_and_name_alone()
    {
        var context = new DataAssimilationContext(7);
        using var alone = context.Random("twin/truth");
        var expected = Numbers(alone);
        using var other = context.Random("something/else");
        Numbers(other);
        using var late = context.Random("twin/truth");
        Numbers(other);
        Assert.Equal(expected, Numbers(late));
        using var elsewhere = new DataAssimilationContext(7).Random("twin/truth");
        Assert.Equal(expected, Numbers(elsewhere));
        using var derived = context.Random("twin").Derive("truth");
        Assert.Equal(expected, Numbers(derived));
        Assert.Equal("twin/truth", derived.Name);
    }

    [Fact]
    public void Close_seeds_and_close_names_give_unrelated_streams()
    {
        var all = new List<double[]>();
        foreach (long seed in (long[])[0, 1, -1, long.MaxValue, long.MinValue])
            foreach (string name in (string[])["a", "b", "a/b", ""])
            {
                using var stream = new RandomStream(seed, name, CPU);
                all.Add(Numbers(stream, 4000));
            }
        for (int i = 0; i < all.Count; i++)
            for (int j = 0; j < i; j++)
                Assert.InRange(Correlation(all[i], all[j]), -0.08, 0.08); // five standard deviations of 1/sqrt(4000)
    }

    [Fact]
    public void Drawing_does_not_touch_the_global_generator()
    {
        manual_seed(3);
        using var expected = randn(5, dtype: ScalarType.Float64);
        manual_seed(3);
        using var stream = new RandomStream(1, "x", CPU);
        Numbers(stream);
        using var given = randn(5, dtype: ScalarType.Float64);
        Assert.Equal(expected.data<double>().ToArray(), given.data<double>().ToArray());
    }

    [Fact]
    public void A_captured_stream_goes_on_exactly_where_it_was()
    {
        using var stream = new RandomStream(5, "resume", CPU);
        Numbers(stream, 3); // an odd number of normal draws
        using var state = stream.Capture();
        var expected = Numbers(stream);
        stream.Restore(state);
        Assert.Equal(expected, Numbers(stream));
        using var another = new RandomStream(99, "other", CPU);
        another.Restore(state);
        Assert.Equal(expected, Numbers(another));
    }

    [Fact]
    public void Numbers_have_the_distribution_they_say()
    {
        using var scope = NewDisposeScope();
        var stream = new RandomStream(5, "moments", CPU);
        var normal = stream.Normal([200_000], ScalarType.Float64);
        Assert.InRange(normal.mean().ToDouble(), -0.012, 0.012);
        Assert.InRange(normal.var().ToDouble(), 0.984, 1.016);
        var uniform = stream.Uniform([200_000], ScalarType.Float64);
        Assert.InRange(uniform.mean().ToDouble(), 0.4965, 0.5035);
        Assert.True(uniform.min().ToDouble() >= 0 && uniform.max().ToDouble() < 1);
        Assert.Equal(ScalarType.Float32, stream.Normal([2], ScalarType.Float32).dtype);
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class DrawnAhead
    {
        // The same requests to a stream, which draws ahead with two threads, and to its generator alone.
        private static List<double[]> Requests(Func<long[], ScalarType, Tensor> normal, Func<long[], ScalarType, Tensor> uniform,
            Func<Tensor> capture, Action<Tensor> restore)
        {
            using var scope = NewDisposeScope();
            List<double[]> all = [];
            void Keep(Tensor numbers) => all.Add(numbers.to(ScalarType.Float64).flatten().data<double>().ToArray());
            long[] large = [100, 200], other = [200, 100];
            for (int i = 0; i < 4; i++) Keep(normal(large, ScalarType.Float64));
            Keep(normal([3], ScalarType.Float64));
            for (int i = 0; i < 3; i++) Keep(normal(large, ScalarType.Float64));
            Keep(normal(large, ScalarType.Float32));
            for (int i = 0; i < 3; i++) Keep(normal(other, ScalarType.Float32));
            Keep(uniform([5], ScalarType.Float64));
            for (int i = 0; i < 3; i++) Keep(normal(other, ScalarType.Float64));
            var state = capture();
            for (int i = 0; i < 2; i++) Keep(normal(other, ScalarType.Float64));
            restore(state);
            for (int i = 0; i < 3; i++) Keep(normal(other, ScalarType.Float64));
            return all;
        }

        private static List<double[]> OfStream(int threads) => ThreadCounts.With(threads, () =>
        {
            using var stream = new RandomStream(3, "ahead", CPU);
            return Requests(stream.Normal, stream.Uniform, stream.Capture, stream.Restore);
        });

        [Fact]
        public void No_number_depends_on_it()
        {
            using var alone = new RandomStream(3, "ahead", CPU);
            var generator = alone.Generator;
            var expected = Requests((shape, type) => randn(shape, dtype: type, generator: generator),
                (shape, type) => rand(shape, dtype: type, generator: generator), generator.get_state, generator.set_state);
            foreach (int threads in new[] { 1, 2 })
            {
                var found = OfStream(threads);
                Assert.Equal(expected.Count, found.Count);
                for (int i = 0; i < expected.Count; i++) Assert.True(expected[i].AsSpan().SequenceEqual(found[i]), $"request {i}");
            }
        }

        [Fact]
        public void What_was_drawn_belongs_to_the_callers_scope_and_nothing_stays() => ThreadCounts.With(2, () =>
        {
            long before = Tensor.TotalCount;
            using (var stream = new RandomStream(4, "ahead", CPU))
            {
                for (int i = 0; i < 5; i++)
                {
                    using var scope = NewDisposeScope();
                    stream.Normal([100, 200], ScalarType.Float64);
                }
                using (var scope = NewDisposeScope())
                {
                    var lent = randn([100, 200], dtype: ScalarType.Float64, generator: stream.Generator);
                    using var again = new RandomStream(4, "ahead", CPU);
                    for (int i = 0; i < 5; i++) again.Normal([100, 200], ScalarType.Float64);
                    Assert.True(again.Normal([100, 200], ScalarType.Float64).Equals(lent));
                }
            }
            Assert.True(Tensor.TotalCount <= before);   // finalizers of older tensors may lower it
            return 0;
        });
    }

    private static double[] Numbers(RandomStream stream, long count = 20)
    {
        using var values = stream.Normal([count], ScalarType.Float64);
        return values.data<double>().ToArray();
    }

    private static double Correlation(double[] a, double[] b) => a.Zip(b).Sum(pair => pair.First * pair.Second) / a.Length;
}

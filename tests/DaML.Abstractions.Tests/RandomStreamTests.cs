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

    private static double[] Numbers(RandomStream stream, long count = 20)
    {
        using var values = stream.Normal([count], ScalarType.Float64);
        return values.data<double>().ToArray();
    }

    private static double Correlation(double[] a, double[] b) => a.Zip(b).Sum(pair => pair.First * pair.Second) / a.Length;
}

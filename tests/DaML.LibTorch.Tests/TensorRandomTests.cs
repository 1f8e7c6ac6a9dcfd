using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Random streams: the same seed gives the same bits, and states can be put back.</summary>
[Collection("the default generator")]
public class TensorRandomTests
{
    public static TheoryData<string> Draws() => ["rand", "randn", "normal", "randint", "randperm", "uniform_", "normal_", "exponential_", "bernoulli_", "random_", "cauchy_", "log_normal_", "bernoulli", "multinomial", "poisson"];

    private static Tensor Draw(string what, Generator g) => what switch
    {
        "rand" => rand(50, generator: g),
        "randn" => randn(50, generator: g, dtype: float64),
        "normal" => normal(2, 3, [50], generator: g),
        "randint" => randint(0, 100, [50], generator: g),
        "randperm" => randperm(50, generator: g),
        "uniform_" => zeros(50).uniform_(-1, 1, g),
        "normal_" => zeros(50).normal_(1, 2, g),
        "exponential_" => zeros(50).exponential_(2, g),
        "bernoulli_" => zeros(50).bernoulli_(0.3, g),
        "random_" => zeros(50).random_(0, 9, g),
        "cauchy_" => zeros(50).cauchy_(0, 1, g),
        "log_normal_" => zeros(50).log_normal_(0, 1, g),
        "bernoulli" => full(50, 0.4).bernoulli(g),
        "multinomial" => ones(50).multinomial(20, generator: g),
        "poisson" => full(50, 4.0).poisson(g),
        _ => throw new ArgumentException(what),
    };

    [Theory]
    [MemberData(nameof(Draws))]
    public void The_same_seed_gives_the_same_numbers(string what)
    {
        using var scope = NewDisposeScope();
        using var g = new Generator(17);
        using var same = new Generator(17);
        var first = Draw(what, g);
        Assert.True(first.Equals(Draw(what, same)));
        var state = g.get_state();
        var second = Draw(what, g);
        Assert.False(first.Equals(second));
        g.set_state(state);
        Assert.True(second.Equals(Draw(what, g)));
        g.manual_seed(17);
        Assert.Equal(17, g.initial_seed());
        Assert.True(first.Equals(Draw(what, g)));
    }

    [Fact]
    public void The_default_generator_is_seeded_and_restored()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var a = randn(10);
        var state = get_rng_state();
        var b = randn(10);
        set_rng_state(state);
        Assert.True(b.Equals(randn(10)));
        random.manual_seed(5);
        Assert.True(a.Equals(randn(10)));
        Assert.Equal(5, initial_seed());
        Assert.NotEqual(5, seed());
        manual_seed(1).Dispose();   // everybody's, and stays
        Assert.Equal(1, manual_seed(1).initial_seed());
    }

    [Fact]
    public void Moments_are_right()
    {
        using var scope = NewDisposeScope();
        using var g = new Generator(1);
        var x = randn([100_000], float64, generator: g);
        Assert.True(Math.Abs(x.mean().item<double>()) < 0.02);
        Assert.True(Math.Abs(x.std().item<double>() - 1) < 0.02);
        var u = rand([100_000], float64, generator: g);
        Assert.True(Math.Abs(u.mean().item<double>() - 0.5) < 0.01);
        Assert.Equal(ScalarType.Int64, randint(10, [3]).dtype);
        Assert.Equal(ScalarType.Int64, randperm(4).dtype);
    }
}

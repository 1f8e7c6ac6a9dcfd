using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ObservationTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(5);
    public void Dispose() => scope.Dispose();

    [Fact]
    public void Operators_observe_what_they_say()
    {
        var x = Numbers.Normal(1, 2, 3, 7);
        Assert.Equal(x.Bits(), new IdentityObservationOperator(7).Apply(x).Bits());
        var strided = SubsetObservationOperator.Strided(7, 3);
        Assert.Equal([0, 3, 6], strided.Indices);
        Assert.Equal(x[TensorIndex.Ellipsis, TensorIndex.Slice(step: 3)].Bits(), strided.Apply(x).Bits());
        Assert.Equal(40, SubsetObservationOperator.Strided(40, 1).ObservationDimension);
        Assert.Equal([0], SubsetObservationOperator.Strided(40, 41).Indices);
        var h = Numbers.Normal(2, 4, 7);
        Numbers.Close(einsum("pn,bmn->bmp", h, x), new LinearObservationOperator(h).Apply(x), 1e-14);
        Numbers.Close(x.abs(), new ElementwiseObservationOperator(7, ObservationFunction.AbsoluteValue).Apply(x), 0);
        Numbers.Close(x * x, new ElementwiseObservationOperator(7, ObservationFunction.Square).Apply(x), 0);
        Numbers.Close(x * x * x, new ElementwiseObservationOperator(7, ObservationFunction.Cube).Apply(x), 1e-15);
        Numbers.Close(x.exp(), new ElementwiseObservationOperator(7, ObservationFunction.Exponential).Apply(x), 0);
        var composed = strided.Then(new ElementwiseObservationOperator(3, ObservationFunction.AbsoluteValue));
        Numbers.Close(strided.Apply(x).abs(), composed.Apply(x), 0);
        Assert.True(strided.IsLinear && strided.Then(new IdentityObservationOperator(3)).IsLinear);
        Assert.False(composed.IsLinear);
    }

    [Fact]
    public void Operators_refuse_what_they_cannot_observe()
    {
        foreach (var observed in (IObservationOperator[])[new IdentityObservationOperator(7), SubsetObservationOperator.Strided(7, 2),
            new LinearObservationOperator(zeros(2, 7)), new ElementwiseObservationOperator(7, ObservationFunction.Square)])
        {
            Assert.Contains("[2, 8]", Assert.Throws<ArgumentException>(() => observed.Apply(zeros(2, 8))).Message);
            Assert.Throws<ArgumentException>(() => observed.TangentLinear(zeros(2, 7), zeros(2, 8)));
            Assert.Throws<ArgumentException>(() => observed.Adjoint(zeros(2, 7), zeros(2, 9)));
        }
        Assert.Contains("7", Assert.Throws<ArgumentException>(() => new SubsetObservationOperator(7, 0, 7)).Message);
        Assert.Throws<ArgumentException>(() => new SubsetObservationOperator(7, -1));
        Assert.Throws<ArgumentException>(() => new SubsetObservationOperator(7));
        Assert.Throws<ArgumentOutOfRangeException>(() => SubsetObservationOperator.Strided(7, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IdentityObservationOperator(0));
        Assert.Throws<ArgumentException>(() => new LinearObservationOperator(tensor([1, double.NaN]).reshape(1, 2)));
        Assert.Throws<ArgumentException>(() => new LinearObservationOperator(zeros(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ElementwiseObservationOperator(3, (ObservationFunction)99));
        Assert.Throws<ArgumentException>(() => new IdentityObservationOperator(7).Then(new IdentityObservationOperator(6)));
        Assert.Throws<ArgumentException>(() => new ObservationNetwork(new IdentityObservationOperator(7), ErrorCovariance.Scalar(6, 1)));
    }

    [Fact]
    public void Linearised_operators_carry_a_graph_only_where_something_they_depend_on_does()
    {
        var square = new ElementwiseObservationOperator(3, ObservationFunction.Cube);
        Tensor x = Numbers.Normal(1, 2, 3), v = Numbers.Normal(2, 2, 3);
        Assert.False(square.Adjoint(x, v).requires_grad || square.TangentLinear(x, v).requires_grad || x.requires_grad);
        var tracked = x.clone().requires_grad_();
        foreach (var product in (Tensor[])[square.Adjoint(tracked, v), square.TangentLinear(tracked, v)])
            Numbers.Close(6 * x * v, autograd.grad([product.sum()], [tracked])[0], 1e-14);
        using (no_grad()) Assert.False(square.Adjoint(tracked, v).requires_grad || square.TangentLinear(tracked, v).requires_grad);
    }

    [Fact]
    public void A_network_adds_errors_of_its_covariance()
    {
        var r = Numbers.Spd(3, 3);
        var network = new ObservationNetwork(SubsetObservationOperator.Strided(6, 2), ErrorCovariance.Full(r));
        var truth = Numbers.Normal(4, 6).expand(100_000, 6);
        var observation = network.Observe(truth, 1.5, context.Random("network"));
        Assert.Null(observation.Mask);
        Assert.False(network.HasMask);
        Assert.Equal(1.5, observation.Time);
        var errors = observation.Values - truth[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)];
        Numbers.Close(r, errors.mT.cov(), 0.02);
        Numbers.Close(zeros([3], dtype: ScalarType.Float64), errors.mean([0]), 0.02);
        Assert.Throws<ArgumentException>(() => network.Observe(zeros(6), 0, context.Random("network")));
        Assert.Throws<ArgumentException>(() => network.Observe(zeros(2, 7), 0, context.Random("network")));
    }

    [Fact]
    public void A_network_of_random_density_draws_number_and_places_anew_for_every_trajectory()
    {
        var network = ObservationNetwork.Random(40, 1, 0.25, 0.75);
        var random = context.Random("density");
        var observation = network.Observe(full([20_000, 40], 1000, dtype: ScalarType.Float64), 0, random);
        var mask = observation.Mask!;
        Assert.True(network.HasMask);
        Assert.Equal((ScalarType.Bool, 20_000, 40), (mask.dtype, mask.shape[0], mask.shape[1]));
        var counts = mask.sum(-1, type: ScalarType.Float64);
        Assert.Equal((10, 30), (counts.min().ToDouble(), counts.max().ToDouble()));
        Assert.InRange(counts.mean().ToDouble(), 19.8, 20.2);
        Assert.InRange(counts.var().ToDouble(), 32, 34.7);                        // uniform over a range of 20: 400 / 12
        Numbers.Close(full([40], 0.5, dtype: ScalarType.Float64), mask.@double().mean([0]), 0.02); // every site as often
        Assert.True((observation.Values.masked_select(mask) > 990).all().ToBoolean());
        Assert.True((observation.Values.masked_select(mask.logical_not()) == 0).all().ToBoolean()); // nothing leaks
        var next = network.Observe(zeros([20_000, 40], dtype: ScalarType.Float64), 0, random).Mask!;
        Assert.InRange((next == mask).@double().mean().ToDouble(), 0.45, 0.56);
    }

    [Fact]
    public void Densities_reach_none_and_all()
    {
        var random = context.Random("extremes");
        Assert.False(new RandomDensityPattern(0, 0).Draw(50, 7, random).any().ToBoolean());
        Assert.True(new RandomDensityPattern(1, 1).Draw(50, 7, random).all().ToBoolean());
        Assert.True((new RandomDensityPattern(0.5, 0.5).Draw(50, 8, random).sum(-1) == 4).all().ToBoolean());
        Assert.True(new MissingAtRandomPattern(0).Draw(50, 7, random).all().ToBoolean());
        Assert.False(new MissingAtRandomPattern(1).Draw(50, 7, random).any().ToBoolean());
        Assert.InRange(new MissingAtRandomPattern(0.3).Draw(1000, 100, random).@double().mean().ToDouble(), 0.69, 0.71);
    }

    // Every number from 0 to n is as likely, bounds included (Bocquet et al. 2025, fig. 2c and d).
    [Theory]
    [InlineData(0, 8)]
    [InlineData(4, 8)]
    [InlineData(3, 3)]
    public void Counts_are_uniform_between_their_bounds_and_places_alike(int minimum, int maximum)
    {
        using var scope = NewDisposeScope();
        const int draws = 40_000;
        var mask = new RandomCountPattern(minimum, maximum).Draw(draws, 8, context.Random("counts"));
        var counts = mask.sum(-1).data<long>().ToArray().GroupBy(count => count).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(Enumerable.Range(minimum, maximum - minimum + 1).Select(count => (long)count), counts.Keys.Order());
        double expected = (double)draws / (maximum - minimum + 1);
        Assert.All(counts.Values, count => Assert.True(Math.Abs(count - expected) <= 5 * Math.Sqrt(expected), $"{count} of {expected}"));
        var places = mask.@double().mean([0]);
        Assert.True((places - (minimum + maximum) / 16.0).abs().max().ToDouble() < 0.015);
    }

    [Fact]
    public void Bad_counts_are_refused()
    {
        Assert.Contains("-1 and 3", Assert.Throws<ArgumentException>(() => new RandomCountPattern(-1, 3)).Message);
        Assert.Throws<ArgumentException>(() => new RandomCountPattern(4, 3));
        Assert.Contains("has 3", Assert.Throws<ArgumentException>(() => ObservationNetwork.RandomCount(3, 0, 4)).Message);
        Assert.Contains("has 7",
            Assert.Throws<ArgumentException>(() => new RandomCountPattern(0, 8).Draw(2, 7, context.Random("few"))).Message);
    }

    [Theory]
    [InlineData(-0.1, 0.5), InlineData(0.5, 1.1), InlineData(0.6, 0.5), InlineData(double.NaN, 1), InlineData(0, double.NaN)]
    public void Bad_densities_are_refused(double minimum, double maximum) =>
        Assert.Throws<ArgumentException>(() => new RandomDensityPattern(minimum, maximum));

    [Theory, InlineData(-0.1), InlineData(1.1), InlineData(double.NaN)]
    public void Bad_probabilities_are_refused(double probability) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MissingAtRandomPattern(probability));

    [Fact]
    public void A_network_with_an_empty_cycle_informs_nobody()
    {
        var network = ObservationNetwork.Random(3, 1, 0, 0);
        var observation = network.Observe(Numbers.Normal(1, 4, 3), 0, context.Random("empty"));
        Assert.Equal(0, network.Error.ApplyInverse(observation.Values - 7, observation.Mask).abs().max().ToDouble());
    }
}

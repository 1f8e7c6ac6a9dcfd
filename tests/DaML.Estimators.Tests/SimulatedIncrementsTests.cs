using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class SimulatedIncrementsTests : IDisposable
{
    private const int Sites = 6;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor model, from, truth;
    private readonly FourDimensionalVariationalCost cost;

    public SimulatedIncrementsTests()
    {
        using var random = new RandomStream(4, "model", CPU);
        model = 0.5 * random.Normal([Sites, Sites], ScalarType.Float64);
        from = random.Normal([1, Sites], ScalarType.Float64);
        truth = random.Normal([1, Sites], ScalarType.Float64);
        // Four of six components are seen, with small errors.
        var term = new ObservationTerm(new SubsetObservationOperator(Sites, 0, 1, 2, 3), ErrorCovariance.Scalar(4, 0.04));
        cost = new FourDimensionalVariationalCost(new LinearDynamics(model), [new BackgroundTerm(ErrorCovariance.Scalar(Sites, 1))],
            [term]);
    }

    public void Dispose() => scope.Dispose();

    // What an outer loop finds when the truth is observed without noise, and A.
    private (Tensor Increment, Tensor Hessian, FixedEigenpairs Pairs) Solved()
    {
        var heights = truth.matmul(model.mT)[.., ..4];
        var window = new AssimilationWindow(new State(from), new TimeInterval(0, 1), 1, [new Observation(heights, null, 1)]);
        var control = cost.Background(window);
        var run = cost.Run(window, control);
        using var quadratic = cost.Linearise(run, control, cost.Value(run, control).Total);
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 50, ResidualReduction = 1e-13 });
        return (solver.Solve(quadratic, new IdentityPreconditioner()).Solution.Values,
            quadratic.HessianProducts(eye(Sites, dtype: ScalarType.Float64).unsqueeze(0))[0],
            new FixedEigenpairs(new ComputedEigenpairs(Sites, oversampling: 0).Find(quadratic)));
    }

    private static Tensor Draw(FixedEigenpairs pairs, Tensor towards, long seed = 1)
    {
        using var random = new RandomStream(seed, "increments", CPU);
        return new SimulatedIncrements(pairs).Draw(towards, random);
    }

    [Fact]
    public void With_the_pairs_of_the_state_what_is_seen_of_the_truth_is_what_an_outer_loop_finds()
    {
        var (increment, _, pairs) = Solved();
        var seen = Draw(pairs, truth - from) - Draw(pairs, zeros_like(from));
        Assert.Equal(0, (seen - increment).abs().max().ToDouble(), 1e-9);
        Assert.True(increment.abs().max().ToDouble() > 0.1);
    }

    [Fact]
    public void The_noise_is_that_of_the_observations_through_the_solution()
    {
        var (_, hessian, pairs) = Solved();
        const int Draws = 40_000;
        var noise = Draw(pairs, zeros(Draws, Sites, dtype: ScalarType.Float64));
        var inverse = hessian.inverse();
        var expected = inverse.matmul(hessian - eye(Sites, dtype: ScalarType.Float64)).matmul(inverse);
        var error = (noise.mT.matmul(noise) / Draws - expected).abs().max().ToDouble();
        // Five standard deviations of the largest element of a sample covariance.
        Assert.InRange(error, 0, 5 * expected.abs().max().ToDouble() * Math.Sqrt(2.0 / Draws));
        Assert.InRange(noise.mean([0]).abs().max().ToDouble(), 0, 5 * Math.Sqrt(expected.abs().max().ToDouble() / Draws));
    }

    [Fact]
    public void The_seed_decides_every_bit_and_other_dimensions_are_refused()
    {
        var (_, _, pairs) = Solved();
        double[] Drawn(long seed) => Draw(pairs, from, seed).data<double>().ToArray();
        Assert.Equal(Drawn(2), Drawn(2));
        Assert.NotEqual(Drawn(2), Drawn(3));
        var error = Assert.Throws<ArgumentException>(() => Draw(pairs, zeros(2, Sites + 1, dtype: ScalarType.Float64)));
        Assert.Contains("[2, 6]", error.Message);
        Assert.Contains("[2, 7]", error.Message);
    }
}

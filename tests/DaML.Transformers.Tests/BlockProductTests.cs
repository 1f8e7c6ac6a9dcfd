using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// 4D-Var with a model that is linearised once: products for several vectors at once, and the minimum of a shallow-water window.
/// </summary>
public sealed class BlockProductTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(23);

    public void Dispose() => scope.Dispose();

    /// <summary>A model that knows nothing of linearisations but its own tangent linear and adjoint.</summary>
    private sealed class Own(IDynamics model) : IDynamics
    {
        public string Name => "own";
        public long Dimension => model.Dimension;
        public double TimeStep => model.TimeStep;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => model.Advance(state, interval);
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) =>
            model.TangentLinear(state, perturbation, interval);
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => model.Adjoint(state, sensitivity, interval);
    }

    private static ShallowWater Small() =>
        new(ShallowWaterOptions.Turbulent with { CellsX = 16, CellsY = 16, TimeStep = 3600, InitialHeight = 20 });

    // A prior at the beginning and a model error at every step; observations at some steps, a filter over all.
    private (FourDimensionalVariationalCost Cost, WindowTrajectory<State> At, ControlVector Control) Linearised(IDynamics dynamics,
        Tensor background, double spread)
    {
        using var random = context.Random("block");
        long batch = background.size(0), n = dynamics.Dimension;
        double h = dynamics.TimeStep;
        var observations = ((int[])[1, 3, 4])
            .Select(step =>
                new Observation(dynamics.Advance(background, new TimeInterval(0, step * h))
                    + spread * random.Normal([batch, n], ScalarType.Float64), null, step * h)).ToList();
        var window = new AssimilationWindow(new State(background), new TimeInterval(0, 4 * h), h, observations);
        var cost = new FourDimensionalVariationalCost(dynamics,
            [new BackgroundTerm(ErrorCovariance.Scalar(n, spread * spread)),
                new ModelErrorTerm(ErrorCovariance.Scalar(n, 0.01 * spread * spread))],
            [new ObservationTerm(new IdentityObservationOperator(n), ErrorCovariance.Scalar(n, 0.25 * spread * spread)),
                new DigitalFilterTerm(4 * h, ErrorCovariance.Scalar(n, spread * spread))]);
        var control = new ControlVector(0.1 * random.Normal([batch, cost.ControlDimension(window)], ScalarType.Float64));
        return (cost, cost.Run(window, control), control);
    }

    /// <summary>A model may share work among vectors; what it gives for each does not depend on the others.</summary>
    [Theory, InlineData("Lorenz-96"), InlineData("shallow water"), InlineData("own")]
    public void Block_product_is_the_products_one_by_one(string name)
    {
        using var random = context.Random("vectors");
        IDynamics dynamics = name switch { "Lorenz-96" => new Lorenz96(12), "shallow water" => Small(), _ => new Own(new Lorenz96(9)) };
        var start = dynamics is ShallowWater water ? water.InitialCondition.Draw(2, random, ScalarType.Float64)
            : 3 * random.Normal([2, dynamics.Dimension], ScalarType.Float64);
        var (cost, at, control) = Linearised(dynamics, start, dynamics is ShallowWater ? 0.01 : 1);
        using var quadratic = cost.Linearise(at, control, cost.Value(at, control).Total);
        Assert.NotNull(quadratic.BlockProduct);
        foreach (int count in (int[])[1, 5])
        {
            var vectors = random.Normal([2, count, control.Values.size(1)], ScalarType.Float64);
            var expected = stack([.. vectors.unbind(1).Select(vector => cost.HessianProduct(at, new(vector)).Values)], 1);
            Compare.Close(expected, quadratic.HessianProducts(vectors), 1e-12);
            Compare.Close(expected, (quadratic with { BlockProduct = null }).HessianProducts(vectors), 1e-12);
        }
        Assert.Contains("block product", Assert.Throws<ArgumentException>(() => quadratic.HessianProducts(control.Values)).Message);
        Assert.Contains("block product",
            Assert.Throws<ArgumentException>(() =>
                (quadratic with { BlockProduct = vectors => vectors[0] })
                    .HessianProducts(zeros([2, 3, control.Values.size(1)], dtype: ScalarType.Float64))).Message);
    }

    /// <summary>The randomised eigenpairs of a block product are those of products one by one.</summary>
    [Fact]
    public void Randomised_eigenpairs_use_the_block_product()
    {
        using var random = context.Random("pairs");
        var (cost, at, control) = Linearised(new Lorenz96(12), 3 * random.Normal([2, 12], ScalarType.Float64), 1);
        using var quadratic = cost.Linearise(at, control, cost.Value(at, control).Total);
        int blocks = 0;
        var counted = quadratic with { BlockProduct = vectors => { blocks++; return quadratic.BlockProduct!(vectors); } };
        var randomised = new ComputedEigenpairs(4, EigenpairMethod.Randomised);
        RitzPairs found = randomised.Find(at, counted, []), expected = randomised.Find(at, quadratic with { BlockProduct = null }, []);
        Assert.Equal(2, blocks);
        Compare.Close(expected.Values, found.Values, 1e-10);
    }

    /// <summary>
    /// A twin experiment with eta observed: one outer loop reaches the minimum of the quadratic cost, which the dense Hessian gives in
    /// closed
    /// form; v = A^-1 b with A from unit vectors, all of them in one block.
    /// </summary>
    [Fact]
    public void Shallow_water_analysis_is_the_closed_form_minimum()
    {
        var model = Small();
        using var random = context.Random("twin");
        long n = model.Dimension, cells = 256;
        double h = model.TimeStep;
        var truth = model.Advance(model.InitialCondition.Draw(1, random, ScalarType.Float64), new TimeInterval(0, 5 * ShallowWater.Day));
        var deviations = cat([full([cells], 1.0, dtype: ScalarType.Float64), full([n - cells], 0.02, dtype: ScalarType.Float64)]);
        var background = new State(truth + deviations * random.Normal([1, n], ScalarType.Float64));
        var heights = new LinearObservationOperator(eye(n, dtype: ScalarType.Float64).narrow(0, 0, cells));
        var observations = ((int[])[0, 6, 12]).Select(step => new Observation(
            heights.Apply(model.Advance(truth, new TimeInterval(0, step * h))) + 0.1 * random.Normal([1, cells], ScalarType.Float64), null,
            step * h)).ToList();
        var window = new AssimilationWindow(background, new TimeInterval(0, 12 * h), h, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(ErrorCovariance.Diagonal(deviations.square()))],
            [new ObservationTerm(heights, ErrorCovariance.Scalar(cells, 0.01))]);

        var zero = cost.Background(window);
        var at = cost.Run(window, zero);
        var value = cost.Value(at, zero).Total;
        using var quadratic = cost.Linearise(at, zero, value);
        var hessian = quadratic.HessianProducts(eye(n, dtype: ScalarType.Float64).unsqueeze(0))[0];
        Compare.Close(hessian.T, hessian, 1e-12);
        var expected = linalg.solve(hessian, quadratic.RightSide.Values[0]);

        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = 1, Step = OuterStep.Full,
            InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 700, ResidualReduction = 1e-12 }),
        }).Minimise(window);
        Compare.Close(expected, result.Control.Values[0], 1e-8);
        var minimum = value[0] - 0.5 * quadratic.RightSide.Values[0].dot(expected);
        Tensor Quadratic(Tensor v) => value[0] - quadratic.RightSide.Values[0].dot(v) + 0.5 * v.dot(hessian.mv(v));
        Compare.Close(minimum, Quadratic(result.Control.Values[0]), 1e-8);
        Assert.True((result.Cost.Total < 0.05 * value).all().ToBoolean()); // the nonlinear cost falls with it
    }
}

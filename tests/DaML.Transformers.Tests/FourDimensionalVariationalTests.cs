using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var's cost and its minimum against what they must equal.</summary>
public sealed class FourDimensionalVariationalTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(17);
    public void Dispose() => scope.Dispose();

    private static readonly InnerSolverOptions Exact = new() { MaximumIterations = 200, ResidualReduction = 1e-14 };

    private static IncrementalFourDimensionalVariational Exactly(FourDimensionalVariationalCost cost, IInnerSolver? solver = null) =>
        new(cost, new IncrementalOptions { OuterIterations = 30, ControlTolerance = 1e-12, InnerSolver = solver ?? new ConjugateGradientSolver(Exact) });

    /// <summary>A Lorenz-96 window of 12 steps with a nonlinear operator, missing observations and two of them at one time.</summary>
    private (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Nonlinear(long batch = 2, params ICostTerm[] more)
    {
        var model = new Lorenz96(8);
        using var random = context.Random("nonlinear");
        var start = new AttractorInitialCondition(model, 20).Draw(batch, random, ScalarType.Float64);
        var h = new Cubic(8);
        var observations = new List<Observation>();
        foreach (int step in (int[])[0, 3, 6, 6, 12])
        {
            var truth = model.Advance(start, new TimeInterval(0, step * 0.05));
            observations.Add(new(h.Apply(truth) + random.Normal([batch, 8], ScalarType.Float64), random.Uniform([batch, 8], ScalarType.Float64) > 0.3, 1 + step * 0.05));
        }
        var window = new AssimilationWindow(new State(start + 0.3 * random.Normal([batch, 8], ScalarType.Float64)), new TimeInterval(1, 1.6), 0.05, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(Spd(8, 0.3))], [new ObservationTerm(h, ErrorCovariance.Scalar(8, 4)), .. more]);
        return (cost, window);
    }

    private FullErrorCovariance Spd(long n, double scale)
    {
        using var random = context.Random("spd");
        var factor = random.Normal([n, n], ScalarType.Float64);
        return ErrorCovariance.Full(scale * (factor.matmul(factor.T) / n + 0.5 * eye(n, dtype: ScalarType.Float64)));
    }

    private sealed class Cubic(long n) : ObservationOperator(n, n)
    {
        protected override Tensor Observe(Tensor state) => state + 0.02 * state.pow(3);
    }

    // ---- the types

    [Fact]
    public void States_and_increments_are_an_affine_space_and_its_vectors()
    {
        using var random = context.Random("types");
        State a = new(random.Normal([2, 3], ScalarType.Float64)), b = new(random.Normal([2, 3], ScalarType.Float64));
        Increment d = b - a;
        Compare.Close(b.Values, (a + d).Values, 1e-15);
        Compare.Close(a.Values, (b - d).Values, 1e-15);
        Compare.Close((2 * d - d + -(0.5 * d)).Values, 0.5 * d.Values, 1e-15);
        var g = new Sensitivity(random.Normal([2, 3], ScalarType.Float64));
        Compare.Close((g.Values * d.Values).sum(-1), (2 * g - g).Along(d), 1e-15);
        Compare.Close(-g.Values, (-g).Values, 0);
        var v = new ControlVector(d.Values);
        Compare.Close(d.Values.square().sum(-1), v.Dot(2 * v - v + (v - v)), 1e-15);
    }

    // ---- gradient and Hessian

    [Fact]
    public void Gradient_of_every_term_is_that_of_finite_differences_and_the_whole_cost_passes_the_Taylor_test()
    {
        var filter = new DigitalFilterTerm(0.4, ErrorCovariance.Scalar(8, 0.01));
        var (_, window) = Nonlinear();
        var (all, _) = Nonlinear(2, filter, new EnergyTerm());
        using var random = context.Random("gradient");
        foreach (var term in all.Terms)
            Taylor(new FourDimensionalVariationalCost(all.Dynamics, [new BackgroundTerm(Spd(8, 0.3))], [term]), window, random);
        foreach (var variable in Enum.GetValues<ControlVariable>())
            Taylor(new FourDimensionalVariationalCost(all.Dynamics, [new BackgroundTerm(Spd(8, 0.3), variable), new ModelErrorTerm(Spd(8, 0.02))], all.Terms), window, random);
    }

    // J(v + h u) - J(v - h u) = 2 h g^T u + O(h^3), and |J(v + h u) - J - h g^T u| falls with h^2.
    private static void Taylor(FourDimensionalVariationalCost cost, AssimilationWindow window, RandomStream random)
    {
        long m = cost.ControlDimension(window);
        ControlVector v = new(0.3 * random.Normal([window.Batch, m], ScalarType.Float64)), u = new(random.Normal([window.Batch, m], ScalarType.Float64));
        Tensor J(ControlVector at) => cost.Value(cost.Run(window, at), at).Total;
        var slope = cost.Gradient(cost.Run(window, v), v).Dot(u);
        Compare.Close(slope, (J(v + 1e-5 * u) - J(v - 1e-5 * u)) / 2e-5, 1e-7);
        double Remainder(double h) => (J(v + h * u) - J(v) - h * slope).abs().max().ToDouble();
        Assert.InRange(Math.Log10(Remainder(1e-3) / Remainder(1e-4)), 1.9, 2.1);
    }

    [Fact]
    public void Hessian_is_symmetric_and_at_a_perfect_fit_the_second_derivative()
    {
        // Where all residuals vanish the Gauss-Newton Hessian is exact.
        var model = new Lorenz96(8);
        using var random = context.Random("perfect");
        var start = new AttractorInitialCondition(model, 20).Draw(1, random, ScalarType.Float64);
        var h = new Cubic(8);
        var observations = Enumerable.Range(1, 3).Select(k => new Observation(h.Apply(model.Advance(start, new TimeInterval(0, 0.1 * k))), null, 0.1 * k)).ToList();
        var window = new AssimilationWindow(new State(start), new TimeInterval(0, 0.3), 0.05, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(Spd(8, 0.3))], [new ObservationTerm(h, ErrorCovariance.Scalar(8, 1))]);
        var zero = cost.Background(window);
        var at = cost.Run(window, zero);
        ControlVector u = new(random.Normal([1, 8], ScalarType.Float64)), w = new(random.Normal([1, 8], ScalarType.Float64));
        var product = cost.HessianProduct(at, u);
        Compare.Close(product.Dot(w), cost.HessianProduct(at, w).Dot(u), 1e-13);
        ControlVector Gradient(double step) => cost.Gradient(cost.Run(window, step * u), step * u);
        Compare.Close(product.Values, (0.5e5 * (Gradient(1e-5) - Gradient(-1e-5))).Values, 1e-6);
    }

    // ---- equivalences

    [Theory, InlineData(false), InlineData(true)]
    public void Linear_Gaussian_window_is_the_Kalman_smoother(bool missing)
    {
        var system = new LinearGaussianSystem(3, modelError: false);
        using var random = context.Random("smoother");
        var (window, background) = Window(system, missing, random);
        var cost = new FourDimensionalVariationalCost(system.Dynamics, [new BackgroundTerm(ErrorCovariance.Full(system.P0))], [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
        var (smoothed, filtered) = Smoother(system, window, background, withModelError: false);
        foreach (var solver in (IInnerSolver[])[new ConjugateGradientSolver(Exact), new LanczosSolver(Exact)])
        {
            var result = Exactly(cost, solver).Minimise(window);
            Compare.Close(smoothed[0], result.Analysis.Values, 1e-10);
            Compare.Close(filtered, result.End.Values, 1e-10);
            for (int step = 0; step <= window.Steps; step++) Compare.Close(smoothed[step], result.Trajectory[step].Values, 1e-10);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Weak_constraint_on_a_linear_Gaussian_window_is_the_Kalman_smoother_with_model_error(bool missing)
    {
        var system = new LinearGaussianSystem(4);
        using var random = context.Random("weak");
        var (window, background) = Window(system, missing, random);
        var cost = new FourDimensionalVariationalCost(system.Dynamics, [new BackgroundTerm(ErrorCovariance.Full(system.P0)), new ModelErrorTerm(ErrorCovariance.Full(system.Q))],
            [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
        var (smoothed, filtered) = Smoother(system, window, background, withModelError: true);
        var result = Exactly(cost).Minimise(window);
        Compare.Close(filtered, result.End.Values, 1e-10);
        for (int step = 0; step <= window.Steps; step++) Compare.Close(smoothed[step], result.Trajectory[step].Values, 1e-10);
    }

    // Six steps, observed at 1, 2, 4 and 6, for two trajectories.
    private static (AssimilationWindow Window, Tensor Background) Window(LinearGaussianSystem system, bool missing, RandomStream random)
    {
        var background = random.Normal([2, LinearGaussianSystem.N], ScalarType.Float64);
        var observations = ((int[])[1, 2, 4, 6]).Select(step => new Observation(random.Normal([2, LinearGaussianSystem.P], ScalarType.Float64),
            missing ? random.Uniform([2, LinearGaussianSystem.P], ScalarType.Float64) > 0.4 : null, step)).ToList();
        return (new(new State(background), new TimeInterval(0, 6), 1, observations), background);
    }

    // The fixed-interval smoother of Rauch, Tung and Striebel in dense algebra.
    private static (Tensor[] Smoothed, Tensor Filtered) Smoother(LinearGaussianSystem system, AssimilationWindow window, Tensor background, bool withModelError)
    {
        var (m, q) = (system.M, withModelError ? system.Q : zeros_like(system.Q));
        int steps = window.Steps;
        Tensor[] mean = new Tensor[steps + 1], covariance = new Tensor[steps + 1], priorMean = new Tensor[steps + 1], priorCovariance = new Tensor[steps + 1];
        for (int step = 0; step <= steps; step++)
        {
            priorMean[step] = step == 0 ? background : mean[step - 1].matmul(m.T);
            priorCovariance[step] = step == 0 ? system.P0.repeat(2, 1, 1) : m.matmul(covariance[step - 1]).matmul(m.T) + q;
            (mean[step], covariance[step]) = window.Observations.FirstOrDefault(o => o.Time == step) is { } y
                ? KalmanUpdate.Apply(priorMean[step], priorCovariance[step], y, system.Network.Operator, system.Network.Error) : (priorMean[step], priorCovariance[step]);
        }
        var smoothed = (Tensor[])mean.Clone();
        for (int step = steps - 1; step >= 0; step--)
        {
            var gain = linalg.solve(priorCovariance[step + 1], m.matmul(covariance[step])).transpose(-2, -1);
            smoothed[step] = mean[step] + gain.matmul((smoothed[step + 1] - priorMean[step + 1]).unsqueeze(-1)).squeeze(-1);
        }
        return (smoothed, mean[steps]);
    }

    /// <summary>A term of one's own is one method: the total energy shall stay what it was.</summary>
    private sealed class EnergyTerm : ResidualCostTerm
    {
        protected override Tensor Residual(AssimilationWindow window, Tensor states)
        {
            var energy = 0.5 * states.square().mean([-1]);
            return (energy.narrow(-1, 1, window.Steps) - energy.narrow(-1, 0, 1)) / 0.5;
        }
    }
}

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
        new(cost, new IncrementalOptions
            { OuterIterations = 30, ControlTolerance = 1e-12, InnerSolver = solver ?? new ConjugateGradientSolver(Exact) });

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
            observations.Add(
                new(h.Apply(truth) + random.Normal([batch, 8], ScalarType.Float64), random.Uniform([batch, 8], ScalarType.Float64) > 0.3,
                    1 + step * 0.05));
        }
        var window = new AssimilationWindow(new State(start + 0.3 * random.Normal([batch, 8], ScalarType.Float64)),
            new TimeInterval(1, 1.6), 0.05, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(Spd(8, 0.3))],
            [new ObservationTerm(h, ErrorCovariance.Scalar(8, 4)), .. more]);
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
            Taylor(new FourDimensionalVariationalCost(all.Dynamics,
                [new BackgroundTerm(Spd(8, 0.3), variable), new ModelErrorTerm(Spd(8, 0.02))], all.Terms), window, random);
    }

    // J(v + h u) - J(v - h u) = 2 h g^T u + O(h^3), and |J(v + h u) - J - h g^T u| falls with h^2.
    private static void Taylor(FourDimensionalVariationalCost cost, AssimilationWindow window, RandomStream random)
    {
        long m = cost.ControlDimension(window);
        ControlVector v = new(0.3 * random.Normal([window.Batch, m], ScalarType.Float64)),
            u = new(random.Normal([window.Batch, m], ScalarType.Float64));
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
        var observations = Enumerable.Range(1, 3)
            .Select(k => new Observation(h.Apply(model.Advance(start, new TimeInterval(0, 0.1 * k))), null, 0.1 * k)).ToList();
        var window = new AssimilationWindow(new State(start), new TimeInterval(0, 0.3), 0.05, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(Spd(8, 0.3))],
            [new ObservationTerm(h, ErrorCovariance.Scalar(8, 1))]);
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
        var cost = new FourDimensionalVariationalCost(system.Dynamics, [new BackgroundTerm(ErrorCovariance.Full(system.P0))],
            [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
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
        var cost = new FourDimensionalVariationalCost(system.Dynamics,
            [new BackgroundTerm(ErrorCovariance.Full(system.P0)), new ModelErrorTerm(ErrorCovariance.Full(system.Q))],
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
        var observations = ((int[])[1, 2, 4, 6])
            .Select(step => new Observation(random.Normal([2, LinearGaussianSystem.P], ScalarType.Float64),
            missing ? random.Uniform([2, LinearGaussianSystem.P], ScalarType.Float64) > 0.4 : null, step)).ToList();
        return (new(new State(background), new TimeInterval(0, 6), 1, observations), background);
    }

    // The fixed-interval smoother of Rauch, Tung and Striebel in dense algebra.
    private static (Tensor[] Smoothed, Tensor Filtered) Smoother(LinearGaussianSystem system, AssimilationWindow window, Tensor background,
        bool withModelError)
    {
        var (m, q) = (system.M, withModelError ? system.Q : zeros_like(system.Q));
        int steps = window.Steps;
        Tensor[] mean = new Tensor[steps + 1], covariance = new Tensor[steps + 1], priorMean = new Tensor[steps + 1],
            priorCovariance = new Tensor[steps + 1];
        for (int step = 0; step <= steps; step++)
        {
            priorMean[step] = step == 0 ? background : mean[step - 1].matmul(m.T);
            priorCovariance[step] = step == 0 ? system.P0.repeat(2, 1, 1) : m.matmul(covariance[step - 1]).matmul(m.T) + q;
            (mean[step], covariance[step]) = window.Observations.FirstOrDefault(o => o.Time == step) is { } y
                ? KalmanUpdate.Apply(priorMean[step], priorCovariance[step], y, system.Network.Operator, system.Network.Error)
                : (priorMean[step], priorCovariance[step]);
        }
        var smoothed = (Tensor[])mean.Clone();
        for (int step = steps - 1; step >= 0; step--)
        {
            var gain = linalg.solve(priorCovariance[step + 1], m.matmul(covariance[step])).transpose(-2, -1);
            smoothed[step] = mean[step] + gain.matmul((smoothed[step + 1] - priorMean[step + 1]).unsqueeze(-1)).squeeze(-1);
        }
        return (smoothed, mean[steps]);
    }

    [Fact]
    public void Window_of_no_length_is_3D_Var_and_optimal_interpolation()
    {
        using var random = context.Random("instant");
        var (b, r) = (Spd(6, 1), ErrorCovariance.Full(0.5 * Spd(6, 1).Matrix.narrow(0, 0, 4).narrow(1, 0, 4)));
        var h = new LinearObservationOperator(random.Normal([4, 6], ScalarType.Float64));
        State background = new(random.Normal([3, 6], ScalarType.Float64));
        var mask = random.Uniform([3, 4], ScalarType.Float64) > 0.3;
        foreach (var y in (Observation[])[new(random.Normal([3, 4], ScalarType.Float64), null, 2),
            new(random.Normal([3, 4], ScalarType.Float64), mask, 2)])
        {
            var window = new AssimilationWindow(background, new TimeInterval(2, 2), 0.05, [y]);
            var result = Exactly(new(new Lorenz96(6), [new BackgroundTerm(b)], [new ObservationTerm(h, r)])).Minimise(window);
            var threeDimensional = new ThreeDimensionalVariationalAnalyzer(h, r, b);
            Compare.Close(threeDimensional.Analyze(new(background.Values), y, random).State, result.Analysis.Values, 1e-12);
            var (ofBackground, ofObservation) = threeDimensional.Cost(result.Analysis.Values, background.Values, y);
            Compare.Close(ofBackground, result.Cost["Jb"], 1e-12);
            Compare.Close(ofObservation, result.Cost["Jo"], 1e-12);
            if (y.Mask is not null) continue;
            // x_b + B H^T (H B H^T + R)^-1 (y - H x_b)
            var gain = b.Matrix.matmul(h.Matrix.T).matmul(linalg.inv(h.Matrix.matmul(b.Matrix).matmul(h.Matrix.T) + r.Matrix));
            Compare.Close(background.Values + (y.Values - background.Values.matmul(h.Matrix.T)).matmul(gain.T), result.Analysis.Values,
                1e-12);
        }
        // A nonlinear operator: both iterate Gauss-Newton.
        var cubic = new ObservationTerm(new Cubic(6), ErrorCovariance.Scalar(6, 0.1));
        var seen = new Observation(2 * random.Normal([3, 6], ScalarType.Float64), null, 0);
        var nonlinear = Exactly(new(new Lorenz96(6), [new BackgroundTerm(b)], [cubic]))
            .Minimise(new AssimilationWindow(background, new TimeInterval(0, 0), 0.05, [seen]));
        Compare.Close(new ThreeDimensionalVariationalAnalyzer(new Cubic(6), ErrorCovariance.Scalar(6, 0.1), b)
            .Analyze(new(background.Values), seen, random).State, nonlinear.Analysis.Values, 1e-8);
    }

    [Fact]
    public void The_minimum_does_not_depend_on_solver_control_variable_or_preconditioner()
    {
        var (cost, window) = Nonlinear();
        var expected = Exactly(cost).Minimise(window);
        Assert.InRange(cost.Gradient(expected.Trajectory, expected.Control).Values.abs().max().ToDouble(), 0, 1e-9);
        Compare.Close(expected.Analysis.Values, Exactly(cost, new LanczosSolver(Exact)).Minimise(window).Analysis.Values, 1e-10);
        var inState = new FourDimensionalVariationalCost(cost.Dynamics, [new BackgroundTerm(Spd(8, 0.3), ControlVariable.Increment)],
            cost.Terms);
        var other = Exactly(inState).Minimise(window);
        Compare.Close(expected.Analysis.Values, other.Analysis.Values, 1e-9);
        Compare.Close((other.Analysis - window.Background).Values, other.Control.Values, 1e-9); // the control vector is the increment
        Compare.Close(expected.Cost["Jb"], other.Cost["Jb"], 1e-9);
        var preconditioned = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = 30, ControlTolerance = 1e-12, InnerSolver = new ConjugateGradientSolver(Exact),
            Preconditioning = new RitzPreconditioning(),
        }).Minimise(window);
        Compare.Close(expected.Analysis.Values, preconditioned.Analysis.Values, 1e-9);
    }

    [Fact]
    public void Ritz_pairs_of_one_outer_loop_save_iterations_in_the_next()
    {
        var (cost, window) = Nonlinear(3);
        IReadOnlyList<OuterIteration> Go(IPreconditioning preconditioning) =>
            new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = 4, ControlTolerance = 0, InnerSolver = new ConjugateGradientSolver(new() { ResidualReduction = 1e-6 }),
            Preconditioning = preconditioning,
        }).Minimise(window).OuterIterations;
        IReadOnlyList<OuterIteration> none = Go(new NoPreconditioning()), ritz = Go(new RitzPreconditioning());
        Assert.Equal(["none", "spectral", "spectral", "spectral"], ritz.Select(outer => outer.Preconditioner));
        Assert.Equal(none[0].Inner.Iterations, ritz[0].Inner.Iterations);
        for (int i = 0; i < 3; i++) // the third loop knows the Hessian of the second
        {
            Assert.True(ritz[2].Inner.Trajectories[i].Iterations < none[2].Inner.Trajectories[i].Iterations);
            Assert.True(ritz[2].Inner.Trajectories[i].ConditionEstimate < 0.5 * none[2].Inner.Trajectories[i].ConditionEstimate);
        }
    }

    [Fact]
    public void A_batch_of_windows_is_each_alone()
    {
        var (cost, window) = Nonlinear(3);
        var method = new IncrementalFourDimensionalVariational(cost,
            new IncrementalOptions { OuterIterations = 8, ControlTolerance = 1e-2 });
        var together = method.Minimise(window);
        var loops = new List<int>();
        for (int i = 0; i < 3; i++)
        {
            Tensor Row(Tensor tensor) => tensor.narrow(0, i, 1);
            var alone = method.Minimise(new(new State(Row(window.Background.Values)), window.Span, window.TimeStep,
                [.. window.Observations.Select(o => o with { Values = Row(o.Values), Mask = Row(o.Mask!) })]));
            Compare.Close(alone.Analysis.Values, Row(together.Analysis.Values), 1e-11);
            Compare.Close(alone.Cost.Total, Row(together.Cost.Total), 1e-11);
            loops.Add(alone.OuterIterations.Count);
        }
        Assert.Equal(together.OuterIterations.Count, loops.Max());
        Assert.True(loops.Min() < loops.Max(), "one trajectory is meant to be ready before another");
    }

    // ---- terms

    [Fact]
    public void A_term_of_ones_own_is_minimised_with_the_others()
    {
        var (without, window) = Nonlinear();
        var (with, _) = Nonlinear(2, new EnergyTerm());
        FourDimensionalVariationalResult before = Exactly(without).Minimise(window), after = Exactly(with).Minimise(window);
        Assert.Equal(["Jb", "Jo", "EnergyTerm"], after.Cost.Parts.Select(part => part.Term));
        Assert.InRange(with.Gradient(after.Trajectory, after.Control).Values.abs().max().ToDouble(), 0, 1e-6);
        var term = new EnergyTerm();
        Assert.True((after.Cost["EnergyTerm"] < 0.9 * term.Value(before.Trajectory)).all().ToBoolean());
        Assert.True((after.Cost["Jo"] + after.Cost["Jb"] > before.Cost.Total).all().ToBoolean());
        Assert.Throws<KeyNotFoundException>(() => after.Cost["Jq"]);
    }

    [Fact]
    public void Digital_filter_lets_slow_motion_pass_and_penalises_fast()
    {
        var window = new AssimilationWindow(new State(zeros(1, 1, dtype: ScalarType.Float64)), new TimeInterval(0, 40), 1, []);
        var term = new DigitalFilterTerm(10, ErrorCovariance.Scalar(1, 0.5));
        double Penalty(Func<double, double> x) =>
            term.Value(new(window, [.. Enumerable.Range(0, 41).Select(k => new State(full([1, 1], x(k), dtype: ScalarType.Float64)))]))
                .item<double>();
        Assert.Equal(1, term.Weights(window).Sum(), 1e-14);
        Assert.InRange(Penalty(_ => 3), 0, 1e-28);
        Assert.InRange(Penalty(t => 3 + 0.7 * t), 0, 1e-24);           // the weights are symmetric
        Assert.InRange(Penalty(t => Math.Cos(2 * Math.PI * (t - 20) / 60)), 0, 1e-3);
        // An amplitude of one that is filtered out costs 1/2 / 0.5.
        Assert.Equal(1, Penalty(t => Math.Cos(2 * Math.PI * (t - 20) / 4)), 0.05);
        Assert.Contains("even",
            Assert.Throws<ArgumentException>(() => term.Weights(new(window.Background, new TimeInterval(0, 3), 1, []))).Message);
        Assert.Contains("shortest",
            Assert.Throws<ArgumentException>(() => new DigitalFilterTerm(1.5, ErrorCovariance.Scalar(1, 1)).Weights(window)).Message);
    }

    // ---- the outer loop

    /// <summary>Counts how often a model is asked for what.</summary>
    private sealed class Counting(IDynamics model) : IDynamics
    {
        public int Advances, TangentLinears, Adjoints;
        public string Name => model.Name;
        public long Dimension => model.Dimension;
        public double TimeStep => model.TimeStep;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) { Advances += (int)interval.Steps(TimeStep); return model.Advance(state,
            interval); }
        public Tensor TangentLinear(Tensor state, Tensor perturbation,
            TimeInterval interval) { TangentLinears += (int)interval.Steps(TimeStep); return model.TangentLinear(state, perturbation,
            interval); }
        public Tensor Adjoint(Tensor state, Tensor sensitivity,
            TimeInterval interval) { Adjoints += (int)interval.Steps(TimeStep); return model.Adjoint(state, sensitivity, interval); }
    }

    [Fact]
    public void An_inner_iteration_is_one_tangent_linear_and_one_adjoint_and_no_nonlinear_run()
    {
        var (cost, window) = Nonlinear();
        var counting = new Counting(cost.Dynamics);
        var result = new IncrementalFourDimensionalVariational(new(counting, cost.Priors, cost.Terms),
            new IncrementalOptions
                { OuterIterations = 2, ControlTolerance = 0, Step = OuterStep.Full,
                    InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 5 }) }).Minimise(window);
        int inner = result.OuterIterations.Sum(outer => outer.Inner.Iterations);
        Assert.Equal(10, inner);
        Assert.Equal(12 * 3, counting.Advances);              // the background, and after each outer loop
        Assert.Equal(12 * inner, counting.TangentLinears);
        Assert.Equal(12 * (inner + 2), counting.Adjoints);    // the gradient of each outer loop too
    }

    [Fact]
    public void Halving_keeps_a_long_window_from_running_away()
    {
        var model = new Lorenz96(12);
        using var random = context.Random("long");
        var start = new AttractorInitialCondition(model, 20).Draw(6, random, ScalarType.Float64);
        var observations = Enumerable.Range(1, 10)
            .Select(k => new Observation(model.Advance(start, new TimeInterval(0, 0.25 * k)), null, 0.25 * k)).ToList();
        var window = new AssimilationWindow(new State(start + 0.5 * random.Normal([6, 12], ScalarType.Float64)), new TimeInterval(0, 2.5),
            0.05, observations);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(ErrorCovariance.Scalar(12, 1))],
            [new ObservationTerm(new IdentityObservationOperator(12), ErrorCovariance.Scalar(12, 0.01))]);
        FourDimensionalVariationalResult Go(OuterStep step) =>
            new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { OuterIterations = 6, Step = step }).Minimise(window);
        bool Rises(FourDimensionalVariationalResult result) =>
            result.OuterIterations.Select(outer => outer.Cost.Total).Append(result.Cost.Total).ToList() is var totals
            && totals.Zip(totals.Skip(1)).Any(pair => (pair.Second > pair.First * (1 + 1e-10)).any().ToBoolean());
        Assert.Contains("Halved", Assert.Throws<ArithmeticException>(() => Go(OuterStep.Full)).Message);
        var halved = Go(OuterStep.Halved);
        Assert.False(Rises(halved));
        Assert.Contains(halved.OuterIterations, outer => (outer.StepLengths.lt(1).logical_and(outer.StepLengths.gt(0))).any().ToBoolean());
    }

    [Fact]
    public void Reports_progress_and_can_be_cancelled()
    {
        var (cost, window) = Nonlinear();
        var method = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { OuterIterations = 2, ControlTolerance = 0 });
        var reports = new CollectedReports();
        var result = method.Minimise(window, reports);
        Assert.Equal([1L, 2L], reports.Select(report => report.Completed));
        Assert.Equal(result.Cost.Total.mean().ToDouble(), reports[^1].Metrics["cost"], 1e-12);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => method.Minimise(window, null, cancelled.Token));
    }

    [Fact]
    public void Leaves_nothing_behind_but_its_result()
    {
        var (cost, window) = Nonlinear(2, new DigitalFilterTerm(0.4, ErrorCovariance.Scalar(8, 0.01)), new EnergyTerm());
        var weak = new FourDimensionalVariationalCost(cost.Dynamics, [.. cost.Priors, new ModelErrorTerm(ErrorCovariance.Scalar(8, 0.01))],
            cost.Terms);
        foreach (var solver in (IInnerSolver[])[new ConjugateGradientSolver(), new LanczosSolver()])
        {
            var method = new IncrementalFourDimensionalVariational(weak,
                new IncrementalOptions { InnerSolver = solver, Preconditioning = new RitzPreconditioning() });
            void Once() { using var inner = NewDisposeScope(); method.Minimise(window); }
            Once();
            long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
            Once();
            Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        }
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

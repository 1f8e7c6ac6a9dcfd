using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var against figures of JCSDA's OOPS for the same settings.</summary>
public sealed class FourDimensionalVariationalReferenceTests
{
    private static readonly Lorenz96 Model = new(40, 8, 0.0125);

    private static Tensor Run(int site, double value, int steps)
    {
        var x = full(new long[] { 1, 40 }, 8, dtype: ScalarType.Float64);
        x[0, site] = value;
        return Model.Advance(x, new TimeInterval(0, steps * 0.0125));
    }

    private static Tensor SixDigits(Tensor values) => tensor(values.data<double>().ToArray()
        .Select(value => double.Parse(value.ToString("e5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)).ToArray())
        .reshape(values.shape);

    private static FullErrorCovariance Background()
    {
        var distance = minimum(arange(40), 40 - arange(40)).to_type(ScalarType.Float64);
        var row = 0.36 * (-0.5 * distance.square()).exp();
        return ErrorCovariance.Full(stack(Enumerable.Range(0, 40).Select(i => row.roll(i, 0))));
    }

    // The window begins at step 2 of both runs and is 16 steps long; every second point is observed every second step.
    private static (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Case()
    {
        double sigma = 0.4f, h = Model.TimeStep;
        var observations = Enumerable.Range(1, 8).Select(k => 2 + 2 * k)
            .Select(step => new Observation(SixDigits(Run(9, 9, step).index_select(-1, arange(0, 40, 2))), null, step * h)).ToList();
        var cost = new FourDimensionalVariationalCost(Model, [new BackgroundTerm(Background())],
            [new ObservationTerm(SubsetObservationOperator.Strided(40, 2), ErrorCovariance.Scalar(20, sigma * sigma))]);
        return (cost, new AssimilationWindow(new State(Run(19, 7, 2)), new TimeInterval(2 * h, 18 * h), h, observations));
    }

    private static void Equal(double expected, double actual, double relative) =>
        Assert.InRange(actual / expected, 1 - relative, 1 + relative);

    public static TheoryData<string> Solvers => ["conjugate gradients", "Lanczos"];

    private static IInnerSolver Solver(string name, int iterations) =>
        new InnerSolverOptions { MaximumIterations = iterations, ResidualReduction = 0 } is var options && name == "Lanczos"
        ? new LanczosSolver(options) : new ConjugateGradientSolver(options);

    [Theory, MemberData(nameof(Solvers))]
    public void Two_outer_loops_of_ten_iterations_go_as_in_OOPS(string solver)
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var result = new IncrementalFourDimensionalVariational(cost,
            new IncrementalOptions { OuterIterations = 2, ControlTolerance = 0, InnerSolver = Solver(solver, 10) }).Minimise(window);
        var (first, second) = (result.OuterIterations[0], result.OuterIterations[1]);
        Equal(123.8563472230917, first.Cost["Jo"].item<double>(), 1e-13);
        Assert.Equal(0, first.Cost["Jb"].item<double>());
        Equal(2.92687876281949, second.Cost.Total.item<double>(), 1e-13);
        Equal(2.66660224862961, result.Cost.Total.item<double>(), 1e-13);
        Equal(3.44822281292e-3, first.Inner.Trajectories[0].ResidualReduction, 1e-11);
        Equal(2.1080986033e-2, second.Inner.Trajectories[0].ResidualReduction, 1e-10);
        Assert.All(result.OuterIterations, iteration => Assert.Equal(10, iteration.Inner.Iterations));
    }

    [Fact]
    public void Condition_numbers_and_the_converged_cost_are_those_of_OOPS()
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var result = new IncrementalFourDimensionalVariational(cost,
            new IncrementalOptions { OuterIterations = 1, InnerSolver = Solver("conjugate gradients", 10) }).Minimise(window);
        var background = cost.Background(window);
        double Condition(ControlVector control)
        {
            var at = cost.Run(window, control);
            var eigenvalues = linalg.eigvalsh(Hessian(cost, at));
            Assert.InRange(eigenvalues[0].ToDouble(), 1, 1.02); // the control variable transform leaves none below one
            // The Krylov space finds it from below: it ends at round-off before the smallest eigenvalue is there to all digits.
            var solve = Solver("conjugate gradients", 40)
                .Solve(cost.Linearise(at, control, cost.Value(at, control).Total), new IdentityPreconditioner());
            double condition = eigenvalues[-1].ToDouble() / eigenvalues[0].ToDouble();
            Assert.InRange(solve.Trajectories[0].ConditionEstimate / condition, 0.99, 1 + 1e-10);
            return condition;
        }
        Assert.Equal(93.61, Condition(background), 0.005);
        Assert.Equal(95.87, Condition(result.Control), 0.005);

        var converged = new IncrementalFourDimensionalVariational(cost,
            new IncrementalOptions { OuterIterations = 20, ControlTolerance = 1e-13, InnerSolver = Solver("conjugate gradients", 60) })
            .Minimise(window);
        Equal(2.66511061499638, converged.Cost.Total.item<double>(), 1e-13);
        Assert.InRange(converged.OuterIterations.Count, 3, 15);
    }

    public static TheoryData<string> Preconditionings =>
        ["none", "Ritz", "Lanczos", "Lanczos to one", "randomised", "limited memory", "recycled", "recycled spectral", "quasi-Newton",
            "fixed",
        "fixed limited memory", "regularised inverse", "B", "two levels", "split"];

    // Windows of other states, whose average Hessian is the fixed preconditioner.
    private static IReadOnlyList<AssimilationWindow> Others(AssimilationWindow window) =>
        [.. Enumerable.Range(0, 2).Select(i => new AssimilationWindow(
        new State(cat([Run(3 + 11 * i, 9, 60), Run(8 + 7 * i, 6, 90)], 0)), window.Span, window.TimeStep,
        [.. window.Observations.Select(observation => new Observation(observation.Values.expand(2, -1), null, observation.Time))]))];

    private static IPreconditioning Make(string name, FourDimensionalVariationalCost cost, IErrorCovariance b,
        IReadOnlyList<AssimilationWindow> others, int r)
    {
        var average = new FixedPreconditioningEstimator(cost);
        return name switch
        {
            "none" => new NoPreconditioning(),
            "Ritz" => new RitzPreconditioning(),
            "Lanczos" or "split" => new SpectralPreconditioning(new ComputedEigenpairs(r)),
            "Lanczos to one" => new SpectralPreconditioning(new ComputedEigenpairs(r), new() { Mu = 1 }),
            "randomised" =>
                new SpectralPreconditioning(new ComputedEigenpairs(r, EigenpairMethod.Randomised, passes: 3),
                    new() { Alpha = -0.7, Beta = 0.5 }),
            "limited memory" => new LimitedMemoryPreconditioning(new ComputedEigenpairs(r, EigenpairMethod.Randomised, oversampling: 0)),
            "recycled" => new LimitedMemoryPreconditioning(new RecycledEigenpairs(r)),
            "recycled spectral" => new SpectralPreconditioning(new RecycledEigenpairs(r)),
            "quasi-Newton" => new QuasiNewtonPreconditioning(r),
            "fixed" => new SpectralPreconditioning(average.FindEigenpairs(others, new ComputedEigenpairs(r))),
            "fixed limited memory" => new LimitedMemoryPreconditioning(average.FindEigenpairs(others, new ComputedEigenpairs(r)), mu: null),
            "regularised inverse" => new RegularisedInversePreconditioning(average.AverageHessian(others), 1),
            "B" => new CovariancePreconditioning(b),
            _ => new TwoLevelPreconditioning(new CovariancePreconditioning(b), new LimitedMemoryPreconditioning(new ComputedEigenpairs(r))),
        };
    }

    [Theory, MemberData(nameof(Preconditionings))]
    public void Every_preconditioner_ends_at_the_minimum_of_OOPS(string name)
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        if (name is "B" or "two levels")
            cost = new FourDimensionalVariationalCost(Model, [new BackgroundTerm(Background(), ControlVariable.Increment)], cost.Terms);
        var preconditioning = Make(name, cost, Background(), Others(window), 8);
        var solver =
            new ConjugateGradientSolver(new InnerSolverOptions
                { MaximumIterations = 60, ResidualReduction = 1e-12, KeepDirections = true });
        var options = new IncrementalOptions
            { OuterIterations = 20, ControlTolerance = 1e-13, InnerSolver = name == "split" ? new SplitSolver(solver)
                : solver, Preconditioning = preconditioning };
        var result = new IncrementalFourDimensionalVariational(cost, options).Minimise(window);
        Equal(2.66511061499638, result.Cost.Total.item<double>(), 1e-12);
        var (plainCost, _) = Case();
        var plain = new IncrementalFourDimensionalVariational(plainCost,
            options with { InnerSolver = solver, Preconditioning = new NoPreconditioning() }).Minimise(window);
        Compare.Close(plain.Analysis.Values, result.Analysis.Values, 1e-9);
        if (name == "none") return;
        // It was on, from the first or the second outer loop.
        Assert.NotEqual("none", result.OuterIterations[1].Preconditioner);
        if (name is "Ritz" or "Lanczos" or "Lanczos to one" or "split" or "limited memory" or "recycled" or "quasi-Newton"
            or "regularised inverse" or "two levels")
            Assert.True(result.OuterIterations[1].Inner.Iterations < plain.OuterIterations[1].Inner.Iterations);
    }

    [Fact]
    public void B_as_preconditioner_is_the_control_variable_transform()
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var increments = new FourDimensionalVariationalCost(Model, [new BackgroundTerm(Background(), ControlVariable.Increment)],
            cost.Terms);
        var options = new IncrementalOptions
            { OuterIterations = 2, ControlTolerance = 0,
                InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 10, ResidualReduction = 0 }) };
        var transformed = new IncrementalFourDimensionalVariational(cost, options).Minimise(window);
        foreach (var solver in (IInnerSolver[])[options.InnerSolver, new SplitSolver(options.InnerSolver)])
        {
            var preconditioned = new IncrementalFourDimensionalVariational(increments,
                options with { InnerSolver = solver, Preconditioning = new CovariancePreconditioning(Background()) }).Minimise(window);
            Equal(2.66660224862961, preconditioned.Cost.Total.item<double>(), 1e-12);
            Compare.Close(transformed.Analysis.Values, preconditioned.Analysis.Values, 1e-11);
        }
    }

    [Fact]
    public void What_a_window_found_serves_the_next()
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var next = new AssimilationWindow(new State(window.Background.Values + 0.1), window.Span, window.TimeStep, window.Observations);
        var solver = new ConjugateGradientSolver(new InnerSolverOptions { ResidualReduction = 1e-6, KeepDirections = true });
        int Iterations(IPreconditioning preconditioning, bool recycle)
        {
            var method = new IncrementalFourDimensionalVariational(cost,
                new IncrementalOptions { OuterIterations = 1, InnerSolver = solver, Preconditioning = preconditioning });
            var before = method.Minimise(window);
            return method.Minimise(next, earlier: recycle ? [.. before.OuterIterations.Select(outer => outer.Inner)]
                : null).OuterIterations[0].Inner.Iterations;
        }
        int none = Iterations(new NoPreconditioning(), false);
        foreach (var preconditioning in (IPreconditioning[])[new RitzPreconditioning(),
            new LimitedMemoryPreconditioning(new RecycledEigenpairs()), new QuasiNewtonPreconditioning()])
        {
            Assert.Equal(none, Iterations(preconditioning, false));
            Assert.InRange(Iterations(preconditioning, true), 1, none - 4);
        }
        var other = new InnerSolution(new(zeros(1, 7)), [], null);
        Assert.Contains("earlier window",
            Assert.Throws<ArgumentException>(() =>
                new IncrementalFourDimensionalVariational(cost).Minimise(window, earlier: [other])).Message);
    }

    [Fact]
    public void The_average_Hessian_is_the_mean_of_those_of_its_states()
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var windows = Others(window);
        var expected = zeros(40, 40, dtype: ScalarType.Float64);
        foreach (var several in windows)
            for (int i = 0; i < 2; i++)
            {
                var one = new AssimilationWindow(new State(several.Background.Values.narrow(0, i, 1)), window.Span, window.TimeStep,
                    window.Observations);
                expected = expected + Hessian(cost, cost.Run(one, cost.Background(one))) / 4;
            }
        var estimator = new FixedPreconditioningEstimator(cost);
        var matrix = estimator.AverageHessian(windows);
        Compare.Close(expected, matrix, 1e-12);
        var told = new CollectedReports();
        var pairs = estimator.FindEigenpairs(windows, new ComputedEigenpairs(5, oversampling: 35), told);
        Assert.Equal((told[^1].Total, 40L * windows.Count), (told[^1].Completed, told[^1].Total!.Value));
        told.Clear();
        estimator.FindEigenpairs(windows, new ComputedEigenpairs(5, EigenpairMethod.Randomised, oversampling: 5, passes: 3), told);
        Assert.Equal((30L * windows.Count, 3 * windows.Count), (told[^1].Completed, told.Count));
        var found = pairs.Find(null!,
            cost.Linearise(cost.Run(window, cost.Background(window)), cost.Background(window), zeros([1], dtype: ScalarType.Float64)), []);
        Compare.Close(linalg.eigvalsh(expected).flip(0).narrow(0, 0, 5).unsqueeze(0), found.Values, 1e-9);
        Compare.Close(found.Values.unsqueeze(-1) * found.Vectors, found.Vectors.matmul(expected), 1e-6);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => estimator.AverageHessian([])).Message);
        Assert.Contains("at least one",
            Assert.Throws<ArgumentException>(() => estimator.FindEigenpairs([], new ComputedEigenpairs(5))).Message);
        Assert.Contains("41 eigenpairs are asked for, but the control vector has 40", Assert.Throws<ArgumentException>(() =>
            estimator.FindEigenpairs(windows, new ComputedEigenpairs(41))).Message);
        var weak = new FixedPreconditioningEstimator(new(Model, [.. cost.Priors, new ModelErrorTerm(Background())], cost.Terms));
        var shorter = new AssimilationWindow(window.Background, new TimeInterval(window.Span.From, window.Span.To - 2 * window.TimeStep),
            window.TimeStep,
            [.. window.Observations.SkipLast(1)]);
        Assert.Contains("window 1 has 600", Assert.Throws<ArgumentException>(() => weak.AverageHessian([window, shorter])).Message);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => estimator.AverageHessian(windows, cancellation: cancelled.Token));
        Assert.Throws<OperationCanceledException>(() =>
            estimator.FindEigenpairs(windows, new ComputedEigenpairs(5), cancellation: cancelled.Token));
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Tiny_algebraic_case_is_exact(string solver)
    {
        using var scope = NewDisposeScope();
        var cost = new FourDimensionalVariationalCost(new Lorenz96(4), [new BackgroundTerm(ErrorCovariance.Scalar(4, 1))],
            [new ObservationTerm(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1))]);
        var y = new Observation(tensor(new double[] { 5, 7, -9, -5 }).unsqueeze(0), null, 0);
        var window = new AssimilationWindow(new State(full(new long[] { 1, 4 }, 3, dtype: ScalarType.Float64)), new TimeInterval(0, 0),
            0.05, [y]);
        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { InnerSolver = Solver(solver, 10) })
            .Minimise(window);
        Assert.Equal(114, result.OuterIterations[0].Cost.Total.item<double>(), 1e-12);
        Assert.Equal(28.5, result.Cost["Jb"].item<double>(), 1e-12);
        Assert.Equal(28.5, result.Cost["Jo"].item<double>(), 1e-12);
        Compare.Close(tensor(new double[] { 4, 5, -3, -1 }).unsqueeze(0), result.Analysis.Values, 1e-14);
        Assert.Equal(1, result.OuterIterations[0].Inner.Iterations); // the Hessian is twice the identity
    }

    [Theory, MemberData(nameof(Preconditionings))]
    public void Tiny_algebraic_case_is_exact_with_every_preconditioner(string name)
    {
        using var scope = NewDisposeScope();
        var b = ErrorCovariance.Scalar(4, 1);
        var cost = new FourDimensionalVariationalCost(new Lorenz96(4),
            [new BackgroundTerm(b, name is "B" or "two levels" ? ControlVariable.Increment : ControlVariable.BackgroundSquareRoot)],
            [new ObservationTerm(new IdentityObservationOperator(4), b)]);
        var y = new Observation(tensor(new double[] { 5, 7, -9, -5 }).unsqueeze(0), null, 0);
        var window = new AssimilationWindow(new State(full(new long[] { 1, 4 }, 3, dtype: ScalarType.Float64)), new TimeInterval(0, 0),
            0.05, [y]);
        var solver = new ConjugateGradientSolver(new() { ResidualReduction = 1e-12, KeepDirections = true, Restart = true });
        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            InnerSolver = name == "split" ? new SplitSolver(solver) : solver, Preconditioning = Make(name, cost, b, [window], 3),
        }).Minimise(window);
        Assert.Equal(57, result.Cost.Total.item<double>(), 1e-12);
        Compare.Close(tensor(new double[] { 4, 5, -3, -1 }).unsqueeze(0), result.Analysis.Values, 1e-13);
    }

    private static Tensor Hessian(FourDimensionalVariationalCost cost, WindowTrajectory<State> at)
    {
        long m = cost.ControlDimension(at.Window);
        var columns = Enumerable.Range(0, (int)m)
            .Select(i => cost.HessianProduct(at, new(eye(m, dtype: ScalarType.Float64).narrow(0, i, 1))).Values);
        var matrix = cat([.. columns], 0);
        Compare.Close(matrix.T, matrix, 1e-12);
        return matrix;
    }
}

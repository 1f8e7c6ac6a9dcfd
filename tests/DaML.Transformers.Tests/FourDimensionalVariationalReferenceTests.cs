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
        .Select(value => double.Parse(value.ToString("e5", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)).ToArray()).reshape(values.shape);

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

    private static void Equal(double expected, double actual, double relative) => Assert.InRange(actual / expected, 1 - relative, 1 + relative);

    public static TheoryData<string> Solvers => ["conjugate gradients", "Lanczos"];

    private static IInnerSolver Solver(string name, int iterations) => new InnerSolverOptions { MaximumIterations = iterations, ResidualReduction = 0 } is var options && name == "Lanczos"
        ? new LanczosSolver(options) : new ConjugateGradientSolver(options);

    [Theory, MemberData(nameof(Solvers))]
    public void Two_outer_loops_of_ten_iterations_go_as_in_OOPS(string solver)
    {
        using var scope = NewDisposeScope();
        var (cost, window) = Case();
        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { OuterIterations = 2, ControlTolerance = 0, InnerSolver = Solver(solver, 10) }).Minimise(window);
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
        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { OuterIterations = 1, InnerSolver = Solver("conjugate gradients", 10) }).Minimise(window);
        var background = cost.Background(window);
        double Condition(ControlVector control)
        {
            var at = cost.Run(window, control);
            var eigenvalues = linalg.eigvalsh(Hessian(cost, at));
            Assert.InRange(eigenvalues[0].ToDouble(), 1, 1.02); // the control variable transform leaves none below one
            // The Krylov space finds it from below: it ends at round-off before the smallest eigenvalue is there to all digits.
            var solve = Solver("conjugate gradients", 40).Solve(cost.Linearise(at, control, cost.Value(at, control).Total), new IdentityPreconditioner());
            double condition = eigenvalues[-1].ToDouble() / eigenvalues[0].ToDouble();
            Assert.InRange(solve.Trajectories[0].ConditionEstimate / condition, 0.99, 1 + 1e-10);
            return condition;
        }
        Assert.Equal(93.61, Condition(background), 0.005);
        Assert.Equal(95.87, Condition(result.Control), 0.005);

        var converged = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { OuterIterations = 20, ControlTolerance = 1e-13, InnerSolver = Solver("conjugate gradients", 60) }).Minimise(window);
        Equal(2.66511061499638, converged.Cost.Total.item<double>(), 1e-13);
        Assert.InRange(converged.OuterIterations.Count, 3, 15);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Tiny_algebraic_case_is_exact(string solver)
    {
        using var scope = NewDisposeScope();
        var cost = new FourDimensionalVariationalCost(new Lorenz96(4), [new BackgroundTerm(ErrorCovariance.Scalar(4, 1))],
            [new ObservationTerm(new IdentityObservationOperator(4), ErrorCovariance.Scalar(4, 1))]);
        var y = new Observation(tensor(new double[] { 5, 7, -9, -5 }).unsqueeze(0), null, 0);
        var window = new AssimilationWindow(new State(full(new long[] { 1, 4 }, 3, dtype: ScalarType.Float64)), new TimeInterval(0, 0), 0.05, [y]);
        var result = new IncrementalFourDimensionalVariational(cost, new IncrementalOptions { InnerSolver = Solver(solver, 10) }).Minimise(window);
        Assert.Equal(114, result.OuterIterations[0].Cost.Total.item<double>(), 1e-12);
        Assert.Equal(28.5, result.Cost["Jb"].item<double>(), 1e-12);
        Assert.Equal(28.5, result.Cost["Jo"].item<double>(), 1e-12);
        Compare.Close(tensor(new double[] { 4, 5, -3, -1 }).unsqueeze(0), result.Analysis.Values, 1e-14);
        Assert.Equal(1, result.OuterIterations[0].Inner.Iterations); // the Hessian is twice the identity
    }

    private static Tensor Hessian(FourDimensionalVariationalCost cost, WindowTrajectory<State> at)
    {
        long m = cost.ControlDimension(at.Window);
        var columns = Enumerable.Range(0, (int)m).Select(i => cost.HessianProduct(at, new(eye(m, dtype: ScalarType.Float64).narrow(0, i, 1))).Values);
        var matrix = cat([.. columns], 0);
        Compare.Close(matrix.T, matrix, 1e-12);
        return matrix;
    }
}

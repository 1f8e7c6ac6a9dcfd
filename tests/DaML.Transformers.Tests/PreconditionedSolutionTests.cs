using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// What an inner solve ends at does not depend on how it was preconditioned: every preconditioning on the Gauss-Newton Hessian of a
/// shallow-water window of 10 x 10 cells, in both control variables, by every solver.
/// </summary>
public sealed class PreconditionedSolutionTests(PreconditionedSolutionTests.Windows windows, ITestOutputHelper output)
    : IClassFixture<PreconditionedSolutionTests.Windows>
{
    /// <summary>The Hessian of a window as a matrix, one of another state, and what estimators make of further states.</summary>
    public sealed class Windows : IDisposable
    {
        private readonly DisposeScope scope = NewDisposeScope();

        public Windows()
        {
            using var noGradients = no_grad();
            using var random = new RandomStream(7, "windows", CPU);
            long n = Model.Dimension, cells = 100;
            double h = Model.TimeStep;
            var runs = Model.Advance(Model.InitialCondition.Draw(4, random, ScalarType.Float64),
                new TimeInterval(0, 10 * ShallowWater.Day));
            var heights = new LinearObservationOperator(eye(n, dtype: ScalarType.Float64).narrow(0, 0, cells));
            AssimilationWindow Window(Tensor truth) => new(new State(truth + Background.Colour(random.Normal([1, n], ScalarType.Float64))),
                new TimeInterval(0, 12 * h), h, [.. ((int[])[0, 6, 12]).Select(step => new Observation(
                    heights.Apply(Model.Advance(truth, new TimeInterval(0, step * h)))
                    + 0.1 * random.Normal([1, cells], ScalarType.Float64), null, step * h))]);
            var all = Enumerable.Range(0, 4).Select(i => Window(runs.narrow(0, i, 1))).ToList();
            foreach (var control in Enum.GetValues<ControlVariable>())
            {
                var cost = new FourDimensionalVariationalCost(Model, [new BackgroundTerm(Background, control)],
                    [new ObservationTerm(heights, ErrorCovariance.Scalar(cells, 0.01))]);
                var average = new FixedPreconditioningEstimator(cost);
                Systems[control] = new(Dense(cost, all[0]), Dense(cost, all[1]),
                    average.FindEigenpairs(all[2..], new ComputedEigenpairs(30)),
                    average.AverageHessian(all[2..]));
            }
        }

        public static ShallowWater Model { get; } =
            new(ShallowWaterOptions.Turbulent with { CellsX = 10, CellsY = 10, TimeStep = 3600, InitialHeight = 20 });

        public static IErrorCovariance Background { get; } = Model.CorrelatedErrors(1, 4e-4, 1.5e5);

        public Dictionary<ControlVariable, System> Systems { get; } = [];

        public sealed record System(QuadraticCost Cost, QuadraticCost Before, FixedEigenpairs Fixed, Tensor Average);

        public void Dispose() => scope.Dispose();

        // A window's quadratic cost whose products are those of its dense Hessian.
        private static QuadraticCost Dense(FourDimensionalVariationalCost cost, AssimilationWindow window)
        {
            var zero = cost.Background(window);
            var at = cost.Run(window, zero);
            using var quadratic = cost.Linearise(at, zero, cost.Value(at, zero).Total);
            var matrix = quadratic.HessianProducts(eye(zero.Values.size(1), dtype: ScalarType.Float64).unsqueeze(0))[0];
            matrix = 0.5 * (matrix + matrix.mT);
            return new(vector => new(vector.Values.matmul(matrix)), quadratic.RightSide, quadratic.AtZero)
                { BlockProduct = vectors => vectors.matmul(matrix) };
        }
    }

    public static TheoryData<string, ControlVariable> All => new(
        from name in (string[])["none", "B", "Lanczos", "Lanczos to one", "randomised", "fixed", "fixed to one", "fixed limited memory",
            "limited memory",
            "recycled", "recycled spectral", "Ritz", "quasi-Newton", "regularised inverse", "two levels", "two levels with a fixed one"]
        from control in Enum.GetValues<ControlVariable>()
        where control == ControlVariable.Increment || name is not ("B" or "two levels")
        select (name, control));

    private static IPreconditioning Make(string name, Windows.System system) => name switch
    {
        "none" => new NoPreconditioning(),
        "B" => new CovariancePreconditioning(Windows.Background),
        "Lanczos" => new SpectralPreconditioning(new ComputedEigenpairs(30)),
        "Lanczos to one" => new SpectralPreconditioning(new ComputedEigenpairs(30), new() { Mu = 1 }),
        "randomised" =>
            new SpectralPreconditioning(new ComputedEigenpairs(30, EigenpairMethod.Randomised), new() { Alpha = -0.8, Beta = 0.5 }),
        "fixed" => new SpectralPreconditioning(system.Fixed),
        "fixed to one" => new SpectralPreconditioning(system.Fixed, new() { Mu = 1 }),
        "fixed limited memory" => new LimitedMemoryPreconditioning(system.Fixed),
        "limited memory" => new LimitedMemoryPreconditioning(new ComputedEigenpairs(30, EigenpairMethod.Randomised), mu: null),
        "recycled" => new LimitedMemoryPreconditioning(new RecycledEigenpairs(30)),
        "recycled spectral" => new SpectralPreconditioning(new RecycledEigenpairs(30)),
        "Ritz" => new RitzPreconditioning(),
        "quasi-Newton" => new QuasiNewtonPreconditioning(20),
        "regularised inverse" => new RegularisedInversePreconditioning(system.Average, 10),
        "two levels" =>
            new TwoLevelPreconditioning(new CovariancePreconditioning(Windows.Background),
                new LimitedMemoryPreconditioning(new ComputedEigenpairs(20))),
        "two levels with a fixed one" => new TwoLevelPreconditioning(new RegularisedInversePreconditioning(system.Average, 50),
            new SpectralPreconditioning(new ComputedEigenpairs(20))),
        _ => throw new ArgumentException($"No such preconditioning: {name}.", nameof(name)),
    };

    /// <summary>
    /// With a residual of rho |b| the error is at most kappa(A) rho |v|, as |A^-1 r| is at most rho |b| / lambda_min and |v| at least |b| /
    /// lambda_max;
    /// where the residual is compared in P, by kappa(P)^(1/2) more (a split solve). Round-off adds the 1e-13 kappa(A) that the dense
    /// solution is itself off by.
    /// </summary>
    [Theory, MemberData(nameof(All))]
    public void The_solution_is_that_of_no_preconditioner(string name, ControlVariable control)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var system = windows.Systems[control];
        var cost = system.Cost;
        var b = cost.RightSide.Values;
        long m = b.size(1);
        var identity = eye(m, dtype: ScalarType.Float64);
        var matrix = cost.BlockProduct!(identity);
        double Condition(Tensor symmetric)
        {
            var eigenvalues = linalg.eigvalsh(0.5 * (symmetric + symmetric.mT));
            return (eigenvalues[-1] / eigenvalues[0]).ToDouble();
        }
        double kappa = Condition(matrix);
        var exact = linalg.solve(matrix, b.mT).mT;
        InnerSolverOptions Options(double reduction) =>
            new() { MaximumIterations = 20000, ResidualReduction = reduction, KeepDirections = true };
        var before = new ConjugateGradientSolver(Options(1e-7)).Solve(system.Before, new IdentityPreconditioner());
        var preconditioner = Make(name, system).Prepare(null!, cost, [before]);
        Assert.Equal(name == "none", preconditioner is IdentityPreconditioner);
        double kappaP = Condition(stack([.. identity.unbind(0).Select(unit => preconditioner.Apply(new(unit.unsqueeze(0))).Values[0])], 0));
        double Length(Tensor vector) => vector.norm().ToDouble();
        foreach (double reduction in (double[])[1e-7, 1e-9])
        {
            var plain = new ConjugateGradientSolver(Options(reduction)).Solve(cost, new IdentityPreconditioner());
            List<(string Name, IInnerSolver Solver, bool InP, bool Carried)> solvers = [
                ("CG", new ConjugateGradientSolver(Options(reduction)), false, true),
                ("Lanczos", new LanczosSolver(Options(reduction) with { KeepDirections = false }), false, true),
                preconditioner is ISplitPreconditioner
                    ? ("split", new SplitSolver(new ConjugateGradientSolver(Options(reduction))), true, true)
                    : ("CG in P", new ConjugateGradientSolver(Options(reduction) with { Norm = ResidualNorm.Preconditioned }), true, true),
                ("CG, restarting", new ConjugateGradientSolver(Options(reduction) with { Restart = true }), false, false)];
            if (reduction == 1e-7)
                solvers.Add(("CG, restarting, not orthogonal", new ConjugateGradientSolver(Options(reduction) with
                    { Restart = true, Reorthogonalisation = Reorthogonalisation.None }), false, false));
            foreach (var (who, solver, inP, carried) in solvers)
            {
                var solution = solver.Solve(cost, preconditioner);
                var v = solution.Solution;
                double bound = (inP ? Math.Sqrt(kappaP) : 1) * reduction, residual = Length(b - cost.HessianProduct(v).Values) / Length(b);
                double error = Length(v.Values - exact) / Length(exact),
                    fromPlain = Length(v.Values - plain.Solution.Values) / Length(exact);
                output.WriteLine($"{who}, {reduction:g1}: {solution.Iterations} iterations, residual {residual:g3}, error {error:g3} " +
                    $"of {kappa * bound:g3} (kappa {kappa:g3}, of P {kappaP:g3})");
                Assert.Equal(InnerStop.ResidualReduced, solution.Trajectories[0].Stop);
                var report = solution.Trajectories[0];
                Assert.InRange(inP ? report.PreconditionedResidualReduction : report.ResidualReduction, 0, reduction);
                // A residual that is carried along is the true one, unless the preconditioner spreads over six decades.
                Assert.InRange(residual, 0, 1.01 * bound + (carried && kappaP > 1e6 ? 1e-12 * kappaP : 0));
                if (who == "CG" && reduction == 1e-9 && name == "fixed to one" && control == ControlVariable.Increment)
                    Assert.InRange(residual, 2 * bound, 1);
                Assert.InRange(error, 0, kappa * (bound + 1e-13));
                Assert.InRange(fromPlain, 0, kappa * (bound + reduction + 1e-13));
            }
        }
    }
}

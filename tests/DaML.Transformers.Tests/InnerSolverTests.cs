using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Conjugate gradients and Lanczos on dense systems, whose solution, eigenvalues and costs are known.</summary>
public sealed class InnerSolverTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(5, "inner solvers", CPU);

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
    }

    public static TheoryData<string> Solvers => ["conjugate gradients", "Lanczos"];

    private static IInnerSolver Solver(string name, InnerSolverOptions options) =>
        name == "Lanczos" ? new LanczosSolver(options) : new ConjugateGradientSolver(options);

    private static readonly IPreconditioner None = new IdentityPreconditioner();

    private static readonly SpectralForm ToOne = new() { Mu = 1 };

    // A symmetric matrix with given eigenvalues, its eigenvectors in columns; one for each trajectory.
    private (Tensor Matrix, Tensor Vectors) Spectrum(params double[][] eigenvalues)
    {
        long m = eigenvalues[0].Length;
        var q = linalg.qr(random.Normal([eigenvalues.Length, m, m], ScalarType.Float64)).Q;
        return (q.matmul(tensor(eigenvalues.SelectMany(e => e).ToArray()).reshape(-1, m, 1) * q.mT), q);
    }

    private QuadraticCost Cost(Tensor matrix, Tensor? b = null) => new(
        v => new(matrix.to_type(v.Values.dtype).matmul(v.Values.unsqueeze(-1)).squeeze(-1)),
        new(b ?? random.Normal([matrix.shape[0], matrix.shape[2]], ScalarType.Float64)),
        full([matrix.shape[0]], 7, dtype: ScalarType.Float64));

    private static double[] Spread(int m, double largest) => [.. Enumerable.Range(0, m).Select(i => Math.Pow(largest, i / (m - 1.0)))];

    private static Tensor Exact(Tensor matrix, QuadraticCost cost) => linalg.solve(matrix, cost.RightSide.Values.unsqueeze(-1)).squeeze(-1);

    /// <summary>A fixed symmetric positive definite preconditioner.</summary>
    private sealed class Matrix(Tensor matrix) : IPreconditioner
    {
        public string Name => "a matrix";

        public ControlVector Apply(ControlVector vector) => new(matrix.matmul(vector.Values.unsqueeze(-1)).squeeze(-1));
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Solves_and_reports_what_it_did(string name)
    {
        var (matrix, _) = Spectrum(Spread(20, 50), Spread(20, 500));
        var (p, _) = Spectrum(Spread(20, 5), Spread(20, 3));
        var cost = Cost(matrix);
        var b = cost.RightSide.Values;
        foreach (var preconditioner in (IPreconditioner[])[None, new Matrix(p)])
            foreach (int iterations in (int[])[1, 5, 12, 20])
            {
                var options = new InnerSolverOptions { MaximumIterations = iterations, ResidualReduction = 0 };
                var solution = Solver(name, options).Solve(cost, preconditioner);
                var x = solution.Solution.Values;
                var residual = b - matrix.matmul(x.unsqueeze(-1)).squeeze(-1);
                var white = preconditioner.Apply(new(residual)).Values;
                var q = 7 - (b * x).sum(-1) + 0.5 * (x * (b - residual)).sum(-1);
                for (int i = 0; i < 2; i++)
                {
                    var report = solution.Trajectories[i];
                    Assert.Equal(iterations, report.Iterations);
                    if (iterations < 20) Assert.Equal(InnerStop.IterationLimit, report.Stop); // at 20 it is round-off that ends it
                    Assert.Equal([iterations + 1, iterations + 1, iterations + 1, iterations],
                        [report.ResidualNorms.Count, report.PreconditionedResidualNorms.Count, report.Costs.Count,
                            report.RitzValues.Count]);
                    double scale = report.ResidualNorms[0];
                    Assert.Equal(residual[i].square().sum().sqrt().ToDouble() / scale, report.ResidualReduction, 1e-11);
                    Assert.Equal((residual[i] * white[i]).sum().abs().sqrt().ToDouble() / scale,
                        report.PreconditionedResidualNorms[^1] / scale, 1e-11);
                    Assert.Equal(q[i].ToDouble(), report.Costs[^1], 1e-10);
                    Assert.All(report.Costs.Zip(report.Costs.Skip(1)), pair => Assert.True(pair.Second <= pair.First + 1e-12));
                }
                if (iterations == 20) Compare.Close(Exact(matrix, cost), x, 1e-11);
            }
    }

    [Fact]
    public void Both_walk_through_the_same_iterates()
    {
        var (matrix, _) = Spectrum(Spread(30, 1e3), Spread(30, 20), Spread(30, 1e5));
        var (p, _) = Spectrum(Spread(30, 5), Spread(30, 3), Spread(30, 9));
        var cost = Cost(matrix);
        foreach (var preconditioner in (IPreconditioner[])[None, new Matrix(p)])
        {
            var options = new InnerSolverOptions { MaximumIterations = 25, ResidualReduction = 1e-5 };
            InnerSolution cg = new ConjugateGradientSolver(options).Solve(cost, preconditioner),
                lanczos = new LanczosSolver(options).Solve(cost, preconditioner);
            Compare.Close(cg.Solution.Values, lanczos.Solution.Values, 1e-10);
            foreach (var (a, b) in cg.Trajectories.Zip(lanczos.Trajectories))
            {
                Assert.Equal((a.Iterations, a.Stop), (b.Iterations, b.Stop));
                Near(a.ResidualNorms, b.ResidualNorms, 1e-8);
                Near(a.PreconditionedResidualNorms, b.PreconditionedResidualNorms, 1e-8);
                Near(a.Costs, b.Costs, 1e-10);
                Near(a.RitzValues, b.RitzValues, 1e-8);
            }
            Assert.True(cg.Trajectories[1].Iterations < cg.Trajectories[0].Iterations);
            Compare.Close(cg.Ritz!.Values, lanczos.Ritz!.Values, 1e-8);
        }
        static void Near(IReadOnlyList<double> a, IReadOnlyList<double> b, double relative)
        {
            Assert.Equal(a.Count, b.Count);
            Assert.All(a.Zip(b), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, relative * a.Max()));
        }
    }

    [Theory, MemberData(nameof(Solvers))]
    public void As_many_iterations_as_distinct_eigenvalues_and_Ritz_pairs_are_eigenpairs(string name)
    {
        double[] few = [.. Enumerable.Repeat(1.0, 20), .. Enumerable.Repeat(4.0, 6), 9, 9, 30, 100];
        var (matrix, _) = Spectrum(few, [.. few.Select(e => e is 30 or 100 ? 1 : e)]);
        var cost = Cost(matrix);
        var solution = Solver(name, new InnerSolverOptions { MaximumIterations = 30, ResidualReduction = 1e-12 }).Solve(cost, None);
        Assert.Equal([5, 3], solution.Trajectories.Select(report => report.Iterations));
        Assert.All(solution.Trajectories, report => Assert.Equal(InnerStop.ResidualReduced, report.Stop));
        Assert.All(solution.Trajectories[0].RitzValues.Zip([100.0, 30, 9, 4, 1]), pair => Assert.Equal(pair.Second, pair.First, 1e-8));
        Assert.Equal(100, solution.Trajectories[0].ConditionEstimate, 1e-6);
        Assert.Equal(9, solution.Trajectories[1].ConditionEstimate, 1e-6);
        Compare.Close(Exact(matrix, cost), solution.Solution.Values, 1e-11);

        var (values, vectors) = (solution.Ritz!.Values, solution.Ritz.Vectors);
        Assert.Equal([true, true, true, false, false], solution.Ritz.Known[1].data<bool>().ToArray());
        Compare.Close(values[0].unsqueeze(-1) * vectors[0], vectors[0].matmul(matrix[0]), 1e-8);
        Compare.Close(eye(5, dtype: ScalarType.Float64), vectors[0].matmul(vectors[0].T), 1e-12);
        Assert.Equal(0, vectors[1].narrow(0, 3, 2).abs().max().ToDouble());
        Assert.InRange(solution.Ritz.Residuals.abs().max().ToDouble(), 0, 1e-8);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Ritz_pairs_are_as_wrong_as_they_say_also_in_the_metric_of_a_preconditioner(string name)
    {
        var (matrix, _) = Spectrum(Spread(30, 1e3), Spread(30, 1e2));
        var (p, _) = Spectrum(Spread(30, 5), Spread(30, 3));
        var ritz = Solver(name, new InnerSolverOptions { MaximumIterations = 12, ResidualReduction = 0 })
            .Solve(Cost(matrix), new Matrix(p)).Ritz!;
        var z = ritz.Vectors;                                                                                 // rows
        var inverse = linalg.inv(p);
        Compare.Close(eye(12, dtype: ScalarType.Float64).expand(2, 12, 12), z.matmul(inverse).matmul(z.mT), 1e-10);
        var residual = z.matmul(matrix) - ritz.Values.unsqueeze(-1) * z.matmul(inverse);
        Compare.Close(residual.matmul(p).mul(residual).sum(-1).sqrt(), ritz.Residuals, 1e-9);

        var accurate = ritz.Accurate(0.05);
        Assert.Equal((ritz.Residuals <= 0.05 * ritz.Values).data<bool>().ToArray(), accurate.Known.data<bool>().ToArray());
        Assert.InRange(accurate.Known.sum().ToInt64(), 1, 23);
        var two = ritz.Accurate(1e9, 2);
        Assert.Equal(4, two.Known.sum().ToInt64());
        Assert.Equal(0, two.Vectors.narrow(1, 2, 10).abs().max().ToDouble());
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Exact_spectral_preconditioner_removes_the_eigenvalues_it_knows(string name)
    {
        // Ten large eigenvalues above a cluster of four distinct ones.
        double[] e = [.. Enumerable.Range(0, 20).Select(i => 1.0 + i % 4), .. Enumerable.Range(1, 10).Select(i => 100.0 * i)];
        var (matrix, q) = Spectrum(e, e);
        var cost = Cost(matrix);
        RitzPairs Leading(int count) =>
            new(tensor(e).narrow(0, 30 - count, count).repeat(2, 1), q.mT.narrow(1, 30 - count, count),
                zeros(2, count, dtype: ScalarType.Float64), ones([2, count], dtype: ScalarType.Bool));
        InnerSolution Solve(IPreconditioner preconditioner) =>
            Solver(name, new InnerSolverOptions { MaximumIterations = 30, ResidualReduction = 1e-11 }).Solve(cost, preconditioner);
        var plain = Solve(None);
        Assert.Equal([14, 14], plain.Trajectories.Select(report => report.Iterations));
        Assert.InRange(plain.Trajectories[0].ConditionEstimate, 999, 1000.001);
        var preconditioned = Solve(new SpectralPreconditioner(Leading(10), ToOne));
        // The ten now lie at one, where there is an eigenvalue already.
        Assert.Equal([4, 4], preconditioned.Trajectories.Select(report => report.Iterations));
        Assert.Equal(4, preconditioned.Trajectories[0].ConditionEstimate, 1e-6);
        Compare.Close(plain.Solution.Values, preconditioned.Solution.Values, 1e-9);
        // Elsewhere they are one distinct eigenvalue more, and the condition is theirs.
        var atSix = Solve(new SpectralPreconditioner(Leading(10), new() { Mu = 6 }));
        Assert.Equal([5, 5], atSix.Trajectories.Select(report => report.Iterations));
        Assert.Equal(6, atSix.Trajectories[0].ConditionEstimate, 1e-6);
        // The matrix itself, and two preconditioners one on the other.
        var identity = eye(30, dtype: ScalarType.Float64).unsqueeze(1);
        var p = new SpectralPreconditioner(Leading(10), ToOne);
        var dense = cat([.. Enumerable.Range(0, 30).Select(i => p.Apply(new(identity[i].repeat(2, 1))).Values.unsqueeze(1))], 1);
        Compare.Close(q.matmul(tensor([.. Enumerable.Repeat(1.0, 20), .. e.Skip(20).Select(value => 1 / value)]).unsqueeze(-1) * q.mT),
            dense, 1e-12);
        var rest = Solve(p).Ritz!; // 4, 3, 2 and 1 (the pairs of PA): nothing is left to do
        Assert.All(Solve(new StackedSpectralPreconditioner(p, rest, ToOne)).Trajectories, report => Assert.Equal(1, report.Iterations));
    }

    [Theory, InlineData(EigenpairMethod.Lanczos), InlineData(EigenpairMethod.Randomised)]
    public void Leading_eigenpairs_are_found_from_products(EigenpairMethod method)
    {
        // Eight large eigenvalues that fall by a third each, above many below two.
        double[] e = [.. Enumerable.Range(0, 52).Select(i => 1 + i / 60.0), .. Enumerable.Range(0, 8).Select(i => 20 * Math.Pow(1.5, i))];
        var (matrix, q) = Spectrum(e, [.. e.Select(value => 2 * value)]);
        var cost = Cost(matrix);
        var source = new ComputedEigenpairs(6, method, oversampling: 12);
        var preconditioning = new SpectralPreconditioning(source, ToOne);
        var found = source.Find(cost);
        Assert.Equal(12, found.Known.sum().ToInt64());
        var (values, vectors) = (found.Values.narrow(1, 0, 6), found.Vectors.narrow(1, 0, 6));
        var exact = tensor(e).flip(0).narrow(0, 0, 6);
        Compare.Close(stack([exact, 2 * exact], 0), values, method == EigenpairMethod.Lanczos ? 1e-7 : 1e-2);
        Compare.Close(eye(6, dtype: ScalarType.Float64).expand(2, 6, 6), vectors.matmul(vectors.mT), 1e-10);
        // As wrong as they say.
        Compare.Close((vectors.matmul(matrix) - values.unsqueeze(-1) * vectors).square().sum(-1).sqrt() + 1,
            found.Residuals.narrow(1, 0, 6) + 1, 1e-9);
        var options = new InnerSolverOptions { MaximumIterations = 60, ResidualReduction = 1e-8 };
        var plain = new ConjugateGradientSolver(options).Solve(cost, None);
        var preconditioner = preconditioning.Prepare(null!, cost, []);
        var better = new ConjugateGradientSolver(options).Solve(cost, preconditioner);
        Compare.Close(plain.Solution.Values, better.Solution.Values, 1e-6);
        foreach (var (with, without) in better.Trajectories.Zip(plain.Trajectories))
        {
            Assert.True(with.ConditionEstimate < 0.3 * without.ConditionEstimate);
            // Randomised pairs are too rough to save conjugate gradients, which finds large eigenvalues itself, many iterations.
            Assert.True(method == EigenpairMethod.Randomised ? with.Iterations <= without.Iterations
                : with.Iterations < without.Iterations - 3);
        }
        Assert.True(preconditioner.Apply(cost.RightSide).Values.equal(preconditioning.Prepare(null!, cost, []).Apply(cost.RightSide).Values)
            .all().ToBoolean());
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComputedEigenpairs(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComputedEigenpairs(3, oversampling: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComputedEigenpairs(3, passes: 1));
        Assert.Contains("60 components", Assert.Throws<ArgumentException>(() => new ComputedEigenpairs(61).Find(cost)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComputedEigenpairs(3, (EigenpairMethod)9));
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Theory, InlineData(EigenpairMethod.Lanczos), InlineData(EigenpairMethod.Randomised)]
        public void The_number_of_threads_changes_eigenpairs_by_rounding_alone(EigenpairMethod method)
        {
            using var scope = NewDisposeScope();
            var weights = arange(1, 61, dtype: ScalarType.Float64);
            var cost = new QuadraticCost(v => new(weights * v.Values + 0.3 * (v.Values.roll(1, -1) + v.Values.roll(-1, -1))),
                new(weights.sqrt().unsqueeze(0)), zeros([1], dtype: ScalarType.Float64));
            RitzPairs Find(int threads) => ThreadCounts.With(threads, () => new ComputedEigenpairs(12, method).Find(cost));
            var one = Find(1);
            foreach (var other in new[] { Find(2), Find(3) })
            {
                Compare.Close(one.Values, other.Values, 1e-11);
                Compare.Close(one.Vectors * one.Vectors.sum([-1], keepdim: true).sign(),
                    other.Vectors * other.Vectors.sum([-1], keepdim: true).sign(), 1e-9);
                Compare.Close(one.Residuals, other.Residuals, 1e-9);
            }
        }
    }

    [Theory, MemberData(nameof(Solvers))]
    public void A_batch_is_each_alone_also_where_one_has_nothing_to_do(string name)
    {
        var (matrix, _) = Spectrum(Spread(15, 1e4), Spread(15, 3), Spread(15, 100));
        var b = random.Normal([3, 15], ScalarType.Float64);
        b[1] = 0;
        var solver = Solver(name, new InnerSolverOptions { ResidualReduction = 1e-6 });
        var together = solver.Solve(Cost(matrix, b), None);
        for (int i = 0; i < 3; i++)
        {
            var alone = solver.Solve(Cost(matrix.narrow(0, i, 1), b.narrow(0, i, 1)), None);
            if (i != 1) Compare.Close(alone.Solution.Values[0], together.Solution.Values[i], 1e-12);
            Assert.Equal(alone.Trajectories[0].Iterations, together.Trajectories[i].Iterations);
        }
        var idle = together.Trajectories[1];
        Assert.Equal((0, InnerStop.ResidualReduced, 1.0, 0.0),
            (idle.Iterations, idle.Stop, idle.ConditionEstimate, idle.ResidualReduction));
        Assert.Equal(0, together.Solution.Values[1].abs().max().ToDouble());
        var nothing = solver.Solve(Cost(matrix, zeros_like(b)), None);
        Assert.Null(nothing.Ritz);
        Assert.Equal(0, nothing.Solution.Values.abs().max().ToDouble());
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Reorthogonalisation_saves_iterations_where_round_off_matters(string name)
    {
        var (matrix, _) = Spectrum([.. Enumerable.Range(0, 60).Select(i => i < 40 ? 1 + i / 40.0 : Math.Pow(10, (i - 39) * 0.5))]);
        var cost = Cost(matrix);
        InnerSolution Solve(Reorthogonalisation kind) =>
            Solver(name, new InnerSolverOptions { MaximumIterations = 500, ResidualReduction = 1e-9, Reorthogonalisation = kind })
                .Solve(cost, None);
        InnerSolution full = Solve(Reorthogonalisation.Full), none = Solve(Reorthogonalisation.None);
        Assert.Equal(InnerStop.ResidualReduced, full.Trajectories[0].Stop);
        Assert.InRange(full.Iterations, 1, 60);
        Assert.InRange(none.Iterations, full.Iterations + 10, 500);
        Assert.NotNull(full.Ritz);
        Assert.Null(none.Ritz);
        // Without it, the largest eigenvalue is found more than once.
        Assert.InRange(none.Trajectories[0].RitzValues[1] / none.Trajectories[0].RitzValues[0], 0.999, 1.001);
        Assert.InRange(full.Trajectories[0].RitzValues[1] / full.Trajectories[0].RitzValues[0], 0, 0.4);
    }

    [Theory, InlineData(Reorthogonalisation.None), InlineData(Reorthogonalisation.Full)]
    public void A_restart_ends_with_the_residual_that_is_true(Reorthogonalisation kind)
    {
        // The second trajectory's solution is long where its matrix is small: what is carried along falls below what double precision can
        // say.
        var (matrix, _) = Spectrum(Spread(40, 1e5), Spread(40, 1e7));
        var b = random.Normal([2, 40], ScalarType.Float64);
        b[0] = matrix[0].matmul(b[0]);
        int products = 0;
        var plain = Cost(matrix, b);
        var cost = plain with { HessianProduct = v => { products++; return plain.HessianProduct(v); } };
        InnerSolution Solve(bool restart, double reduction, QuadraticCost? of = null, IPreconditioner? with = null) =>
            new ConjugateGradientSolver(
            new() { MaximumIterations = 5000, ResidualReduction = reduction, Reorthogonalisation = kind, Restart = restart })
            .Solve(of ?? cost, with ?? None);
        double[] True(InnerSolution solution)
        {
            var rest = b - matrix.matmul(solution.Solution.Values.unsqueeze(-1)).squeeze(-1);
            return (rest.square().sum(-1).sqrt() / b.square().sum(-1).sqrt()).data<double>().ToArray();
        }
        InnerSolution none = Solve(false, 1e-13), restarted = Solve(true, 1e-13);
        Assert.All(none.Trajectories, report => Assert.InRange(report.ResidualReduction, 0, 1e-13));
        Assert.InRange(True(none)[1], 3e-12, 1e-8);
        Assert.Equal([InnerStop.ResidualReduced, InnerStop.RoundOff], restarted.Trajectories.Select(report => report.Stop));
        for (int i = 0; i < 2; i++) Assert.InRange(restarted.Trajectories[i].ResidualReduction / True(restarted)[i], 0.999, 1.001);
        Assert.InRange(True(restarted)[1], 3e-12, 1e-8);

        // What is asked for elsewhere is far above that: no restart, one more product for each trajectory, and the same solution.
        foreach (double reduction in (double[])[1e-3, 1e-5, 1e-7])
        {
            none = Solve(false, reduction, plain);
            products = 0;
            restarted = Solve(true, reduction);
            Assert.Equal(restarted.Iterations + 2, products);
            Assert.Equal(none.Trajectories.Select(report => report.Iterations), restarted.Trajectories.Select(report => report.Iterations));
            Assert.True(none.Solution.Values.equal(restarted.Solution.Values).all().ToBoolean());
            Assert.Equal(none.Trajectories.Select(report => report.RitzValues), restarted.Trajectories.Select(report => report.RitzValues));
            Assert.All(True(restarted), rest => Assert.InRange(rest, 0, reduction));
        }
        Assert.Equal(kind == Reorthogonalisation.Full, restarted.Ritz is not null);

        // Products that err in the beginning: the method that goes on believes itself, the one that restarts gets there, preconditioned or
        // not.
        var (p, _) = Spectrum(Spread(40, 5), Spread(40, 3));
        foreach (var with in (IPreconditioner[])[None, new Matrix(p)])
        {
            QuadraticCost Erring()
            {
                int count = 0;
                return plain with { HessianProduct = v => new(plain.HessianProduct(v).Values * (count++ is 5 or 9 ? 1.001 : 1)) };
            }
            none = Solve(false, 1e-9, Erring(), with);
            Assert.All(none.Trajectories, report => Assert.InRange(report.ResidualReduction, 0, 1e-9));
            Assert.All(True(none), rest => Assert.InRange(rest, 1e-7, 1));
            restarted = Solve(true, 1e-9, Erring(), with);
            Assert.All(restarted.Trajectories, report => Assert.Equal(InnerStop.ResidualReduced, report.Stop));
            Assert.All(True(restarted), rest => Assert.InRange(rest, 0, 1.001e-9));
            Assert.All(restarted.Trajectories, report => Assert.Equal(report.Iterations + 1, report.ResidualNorms.Count));
            Assert.All(restarted.Trajectories, report => Assert.InRange(report.RitzValues.Count, 1, report.Iterations - 1));
        }
        Assert.Contains("cannot restart", Assert.Throws<ArgumentException>(() => new LanczosSolver(new() { Restart = true })).Message);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Ends_by_the_norm_that_was_chosen_and_at_round_off(string name)
    {
        var (matrix, _) = Spectrum(Spread(40, 1e3));
        var (p, _) = Spectrum(Spread(40, 1e4));
        var cost = Cost(matrix);
        foreach (var norm in Enum.GetValues<ResidualNorm>())
        {
            var report = Solver(name, new InnerSolverOptions { MaximumIterations = 100, ResidualReduction = 0.01, Norm = norm })
                .Solve(cost, new Matrix(p)).Trajectories[0];
            var norms = norm == ResidualNorm.Euclidean ? report.ResidualNorms : report.PreconditionedResidualNorms;
            Assert.True(norms[^1] <= 0.01 * norms[0]);
            Assert.All(norms.SkipLast(1), value => Assert.True(value > 0.01 * norms[0]));
        }
        Assert.InRange(Solver(name, new InnerSolverOptions { MaximumIterations = 1000, ResidualReduction = 0 })
            .Solve(cost, None).Iterations, 10, 40);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void Single_precision_works_in_single_precision(string name)
    {
        var (matrix, _) = Spectrum(Spread(10, 20));
        var cost = Cost(matrix) with { AtZero = zeros(1) };
        cost = cost with { RightSide = new(cost.RightSide.Values.to_type(ScalarType.Float32)) };
        var solution = Solver(name, new InnerSolverOptions { ResidualReduction = 0 }).Solve(cost, None);
        Assert.Equal(ScalarType.Float32, solution.Solution.Values.dtype);
        Assert.Equal(ScalarType.Float32, solution.Ritz!.Vectors.dtype);
        Compare.Close(Exact(matrix, cost with { RightSide = new(cost.RightSide.Values.to_type(ScalarType.Float64)) }),
            solution.Solution.Values.to_type(ScalarType.Float64), 1e-5);
    }

    [Theory, MemberData(nameof(Solvers))]
    public void What_cannot_be_solved_is_refused(string name)
    {
        var (indefinite, _) = Spectrum([-1, 2, 3, 4], [1, 2, 3, 4]);
        var (definite, _) = Spectrum([1, 2, 3, 4], [1, 2, 3, 4]);
        var solver = Solver(name, new InnerSolverOptions { ResidualReduction = 1e-10 });
        Assert.Contains("Hessian", Assert.Throws<ArithmeticException>(() => solver.Solve(Cost(indefinite), None)).Message);
        Assert.Contains("'a matrix'",
            Assert.Throws<ArithmeticException>(() => solver.Solve(Cost(definite), new Matrix(indefinite))).Message);
        Assert.Contains("finite",
            Assert.Throws<ArithmeticException>(() =>
                solver.Solve(Cost(definite, full([2, 4], double.NaN, dtype: ScalarType.Float64)), None)).Message);
        Assert.Throws<ArithmeticException>(() => solver.Solve(Cost(definite * double.NaN), None));
        Assert.Contains("[2]",
            Assert.Throws<ArgumentException>(() => solver.Solve(Cost(definite) with { AtZero = zeros(3) }, None)).Message);
        Assert.Contains("Hessian",
            Assert.Throws<ArgumentException>(() =>
                solver.Solve(Cost(definite) with { HessianProduct = v => new(v.Values[0]) }, None)).Message);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => solver.Solve(Cost(definite), None, cancelled.Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => Solver(name, new() { MaximumIterations = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Solver(name, new() { ResidualReduction = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Solver(name, new() { Norm = (ResidualNorm)7 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Solver(name, new() { Reorthogonalisation = (Reorthogonalisation)7 }));
    }
}

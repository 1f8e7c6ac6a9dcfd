using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Preconditioners on dense systems, against their equations in dense algebra.</summary>
public sealed class PreconditionerTests : IDisposable
{
    private const int M = 24;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly RandomStream random = new(9, "preconditioners", CPU);

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
    }

    private static Tensor Identity => eye(M, dtype: ScalarType.Float64);

    // Two Hessians with the eigenvalues given, from the largest, and their eigenvectors as rows.
    private (Tensor Matrix, Tensor Rows) Hessian(double[] eigenvalues)
    {
        var q = linalg.qr(random.Normal([2, M, M], ScalarType.Float64)).Q;
        return (q.matmul(tensor(eigenvalues).unsqueeze(-1) * q.mT), q.mT);
    }

    private static double[] Slope(double largest) => [.. Enumerable.Range(0, M).Select(i => Math.Pow(largest, 1 - i / (M - 1.0)))];

    private QuadraticCost Cost(Tensor matrix) => new(v => new(matrix.matmul(v.Values.unsqueeze(-1)).squeeze(-1)),
        new(random.Normal([2, M], ScalarType.Float64)),
        zeros([2], dtype: ScalarType.Float64));

    private static RitzPairs Pairs(double[] eigenvalues, Tensor rows, int count) => new(tensor(eigenvalues).narrow(0, 0, count).repeat(2,
        1), rows.narrow(1, 0, count),
        zeros(2, count, dtype: ScalarType.Float64), ones([2, count], dtype: ScalarType.Bool));

    private static Tensor Dense(Func<ControlVector, ControlVector> apply) =>
        stack([.. Enumerable.Range(0, M).Select(i => apply(new(Identity.narrow(0, i, 1).expand(2, M))).Values)], 2); // columns

    private static Tensor Dense(IPreconditioner preconditioner) => Dense(preconditioner.Apply);

    private static InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, double reduction = 1e-11) =>
        new ConjugateGradientSolver(new() { MaximumIterations = 200, ResidualReduction = reduction }).Solve(cost, preconditioner);

    [Theory]
    [InlineData(-1, 1, 1.0)]
    [InlineData(-1, 1, null)]
    [InlineData(-1, 0.3, null)]
    [InlineData(-0.5, 2, 0.7)]
    [InlineData(-0.5, 2, null)]
    [InlineData(-1.7, 1, 5.0)]
    [InlineData(0, 1, 4.0)]
    [InlineData(0.5, 0.1, null)]
    public void The_spectrum_is_that_of_equation_1_24(double alpha, double beta, double? mu)
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        foreach (int r in (int[])[1, 7, M])
        {
            var preconditioner = new SpectralPreconditioner(Pairs(e, rows, r), new() { Alpha = alpha, Beta = beta, Mu = mu });
            double target = mu ?? beta * Math.Pow(e[r - 1], -alpha);
            double[] expected = [.. e.Select((value, i) => i < r ? target * Math.Pow(value, alpha + 1) : beta * value).Order()];
            double[] own = [.. e.Select((value, i) => i < r ? target * Math.Pow(value, alpha) : beta).Order()];           // eq. 1.23
            var p = Dense(preconditioner);
            var l = Dense(preconditioner.ApplyFactor);
            Compare.Close(l, Dense(preconditioner.ApplyFactorTranspose).mT, 1e-12);
            Compare.Close(p, l.matmul(l.mT), 1e-12);
            for (int i = 0; i < 2; i++)
            {
                Compare.Close(tensor(own) / own[^1], linalg.eigvalsh(p[i]) / own[^1], 1e-10);
                Compare.Close(tensor(expected) / expected[^1], linalg.eigvalsh(l[i].mT.matmul(matrix[i]).matmul(l[i])) / expected[^1],
                    1e-10);
                Compare.Close(tensor(expected) / expected[^1],
                    tensor(linalg.eigvals(matrix[i].matmul(p[i])).real.data<double>().Order().ToArray()) / expected[^1], 1e-10);
            }
        }
    }

    [Fact]
    public void Known_and_unknown_pairs_may_be_mixed_in_a_batch()
    {
        double[] e = Slope(300);
        var (_, rows) = Hessian(e);
        var pairs = Pairs(e, rows, 5);
        pairs.Known[1].narrow(0, 3, 2).fill_(false);
        var mixed = Dense(new SpectralPreconditioner(pairs));
        Compare.Close(Dense(new SpectralPreconditioner(Pairs(e, rows, 5)))[0], mixed[0], 1e-13);
        Compare.Close(Dense(new SpectralPreconditioner(Pairs(e, rows, 3)))[1], mixed[1], 1e-13);
        pairs.Known.fill_(false);
        Compare.Close(Identity.expand(2, M, M), Dense(new SpectralPreconditioner(pairs)), 1e-15);
    }

    [Theory, InlineData(1.0), InlineData(3.5), InlineData(null)]
    public void With_eigenvectors_the_limited_memory_form_is_the_spectral_one(double? mu)
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        foreach (int r in (int[])[1, 6, M])
        {
            var expected = Dense(new SpectralPreconditioner(Pairs(e, rows, r), new() { Mu = mu }));
            // Any basis of the span does.
            var subspace = random.Normal([2, r, r], ScalarType.Float64).matmul(rows.narrow(1, 0, r));
            Compare.Close(expected, Dense(new LimitedMemoryPreconditioner(subspace, subspace.matmul(matrix), mu)), 1e-9);
            Compare.Close(expected, Dense(new LimitedMemoryPreconditioner(rows.narrow(1, 0, r), rows.narrow(1, 0, r).matmul(matrix), mu)),
                1e-12);
        }
    }

    [Fact]
    public void The_limited_memory_form_is_its_equation_and_moves_any_subspace_exactly()
    {
        var (matrix, _) = Hessian(Slope(300));
        var u = random.Normal([2, 5, M], ScalarType.Float64);                                          // U^T
        var e = linalg.inv(u.matmul(matrix).matmul(u.mT));
        var project = Identity - u.mT.matmul(e).matmul(u).matmul(matrix);
        foreach (double mu in (double[])[1, 4])
        {
            var preconditioner = new LimitedMemoryPreconditioner(u, u.matmul(matrix), mu);
            var p = Dense(preconditioner);
            Compare.Close(project.matmul(project.mT) + mu * u.mT.matmul(e).matmul(u), p, 1e-10);
            Compare.Close(mu * u.mT, p.matmul(matrix).matmul(u.mT), 1e-10);
            var l = Dense(preconditioner.ApplyFactor);
            Compare.Close(p, l.matmul(l.mT), 1e-12);
            Compare.Close(l.mT, Dense(preconditioner.ApplyFactorTranspose), 1e-12);
        }
        // Rows that are unknown in one trajectory.
        var known = tensor(new[] { true, true, true, true, true, true, true, true, false, false }).reshape(2, 5);
        var some = u.masked_fill(known.logical_not().unsqueeze(-1), 0);
        var three = u.narrow(1, 0, 3);
        foreach (double? mu in (double?[])[1, null])
        {
            var mixed = Dense(new LimitedMemoryPreconditioner(some, some.matmul(matrix), mu, known));
            Compare.Close(Dense(new LimitedMemoryPreconditioner(u, u.matmul(matrix), mu))[0], mixed[0], 1e-11);
            Compare.Close(Dense(new LimitedMemoryPreconditioner(three, three.matmul(matrix), mu))[1], mixed[1], 1e-11);
        }
    }

    [Fact]
    public void Exact_pairs_leave_as_many_iterations_as_distinct_eigenvalues()
    {
        // Eight large eigenvalues above three distinct ones.
        double[] e = [.. Enumerable.Range(0, 8).Select(i => 800.0 - 90 * i), .. Enumerable.Range(0, M - 8).Select(i => 3.0 - i % 3)];
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        Assert.Equal(11, Solve(cost, new IdentityPreconditioner(), 1e-9).Iterations);
        var exact = linalg.solve(matrix, cost.RightSide.Values.unsqueeze(-1)).squeeze(-1);
        var pairs = Pairs(e, rows, 8);
        var eight = rows.narrow(1, 0, 8);
        foreach (var (iterations, preconditioner) in ((int, IPreconditioner)[])[
            (3, new SpectralPreconditioner(pairs, new() { Mu = 1 })),                 // at 1, 2 and 3
            (4, new SpectralPreconditioner(pairs)),                                   // at 170 too
            (4, new SpectralPreconditioner(pairs, new() { Mu = 7, Beta = 2 })),
            (3, new LimitedMemoryPreconditioner(eight, eight.matmul(matrix), 2)),
            (4, new LimitedMemoryPreconditioner(eight, eight.matmul(matrix), null)),
            (1, new SpectralPreconditioner(Pairs(e, rows, M), new() { Mu = 1 }))])
        {
            var solution = Solve(cost, preconditioner, 1e-9);
            Assert.All(solution.Trajectories, report => Assert.Equal(iterations, report.Iterations));
            Compare.Close(exact, solution.Solution.Values, 1e-8);
        }
    }

    [Fact]
    public void What_was_learned_exactly_leaves_as_many_iterations_as_distinct_eigenvalues_remain()
    {
        // Four distinct eigenvalues below six that are known, for any state: two trajectories with one Hessian.
        double[] e = [.. Enumerable.Range(0, 6).Select(i => 120.0 - 18 * i), .. Enumerable.Range(0, M - 6).Select(i => 4.0 - i % 4)];
        var (matrices, rows) = Hessian(e);
        var matrix = matrices[0];
        var b = random.Normal([2, M], ScalarType.Float64);
        var cost = new QuadraticCost(v => new(v.Values.matmul(matrix)), new(b), zeros([2], dtype: ScalarType.Float64));
        var learned =
            new FixedEigenpairs(
                new(tensor(e).narrow(0, 0, 6).unsqueeze(0), rows.narrow(0, 0, 1).narrow(1, 0, 6), zeros(1, 6, dtype: ScalarType.Float64),
            ones([1, 6], dtype: ScalarType.Bool)));
        foreach (var (iterations, preconditioning) in ((int, IPreconditioning)[])[
            (10, new NoPreconditioning()),
            (4, new SpectralPreconditioning(learned, new() { Mu = 3 })),
            (5, new SpectralPreconditioning(learned)),                                // and mu, the smallest kept
            (4, new LimitedMemoryPreconditioning(learned)),
            (5, new LimitedMemoryPreconditioning(learned, mu: null)),
            (1, new TwoLevelPreconditioning(new RegularisedInversePreconditioning(matrix, 0), learnedOnIdentity()))])
            foreach (IInnerSolver solver in (IInnerSolver[])[new ConjugateGradientSolver(new() { ResidualReduction = 1e-8 }),
                new ConjugateGradientSolver(new() { ResidualReduction = 1e-8, Restart = true }),
                new LanczosSolver(new() { ResidualReduction = 1e-8 })])
            {
                var solution = solver.Solve(cost, preconditioning.Prepare(null!, cost, []));
                Assert.All(solution.Trajectories, report => Assert.Equal(iterations, report.Iterations));
                Compare.Close(linalg.solve(matrix, b.mT).mT, solution.Solution.Values, 1e-6);
            }

        // What the exact inverse leaves is the identity: nothing is left to know.
        IPreconditioning learnedOnIdentity() => new SpectralPreconditioning(new FixedEigenpairs(new(ones(1, 1, dtype: ScalarType.Float64),
            Identity.narrow(0, 0, 1).unsqueeze(0), zeros(1, 1, dtype: ScalarType.Float64), ones([1, 1], dtype: ScalarType.Bool))));
    }

    [Fact]
    public void Inexact_pairs_forgive_all_but_mu_at_the_lower_end()
    {
        // The probe's finding: a broad slope of eigenvalues, vectors off by a tenth of their length.
        double[] e = Slope(1e4);
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        const int r = 8;
        var vectors = linalg.qr((rows.narrow(1, 0, r) + 0.1 / Math.Sqrt(M) * random.Normal([2, r, M], ScalarType.Float64)).mT).Q.mT;
        var pairs = Pairs(e, vectors, r);
        double Condition(IPreconditioner preconditioner) => Solve(cost, preconditioner).Trajectories.Max(report =>
            report.ConditionEstimate);
        double none = Condition(new IdentityPreconditioner()), smallest = Condition(new SpectralPreconditioner(pairs)),
            one = Condition(new SpectralPreconditioner(pairs, new() { Mu = 1 }));
        double limited = Condition(new LimitedMemoryPreconditioner(vectors, vectors.matmul(matrix)));
        Assert.InRange(smallest / none, 0, 0.2);
        Assert.InRange(one / smallest, 5, double.PositiveInfinity);
        Assert.InRange(limited / none, 0, 0.2);
    }

    [Theory, InlineData(2), InlineData(3), InlineData(5)]
    public void More_passes_find_better_pairs(int passes)
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        int products = 0;
        var cost = Cost(matrix);
        var counted = cost with { HessianProduct = v => { products++; return cost.HessianProduct(v); } };
        var found = new ComputedEigenpairs(4, EigenpairMethod.Randomised, oversampling: 3, passes).Find(counted);
        Assert.Equal(7 * passes, products);
        Compare.Close(found.Vectors.matmul(matrix), found.Products!, 1e-11);
        // The part of the four leading eigenvectors beyond the span found, against that of one pass fewer.
        double Missed(RitzPairs pairs) => 4 - rows.narrow(1, 0, 4).matmul(pairs.Vectors.mT)[0].square().sum().ToDouble();
        if (passes > 2) Assert.InRange(Missed(found), 0, 0.7 * Missed(new ComputedEigenpairs(4, EigenpairMethod.Randomised, 3,
            passes - 1).Find(cost)));
        Assert.InRange(Missed(new ComputedEigenpairs(4, EigenpairMethod.Randomised, 3, passes: 60).Find(cost)), -1e-12, 1e-10);
    }

    [Fact]
    public void Quasi_Newton_pairs_are_the_limited_memory_form_on_their_directions()
    {
        var (matrix, _) = Hessian(Slope(50));
        var cost = Cost(matrix);
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 9, ResidualReduction = 0, KeepDirections = true });
        foreach (var with in (IPreconditioner[])[new IdentityPreconditioner(), new LimitedMemoryPreconditioner(Identity.narrow(0, 0,
            3).repeat(2, 1, 1), matrix.narrow(1, 0, 3))])
        {
            var solved = solver.Solve(cost, with);
            var (p, ap) = (solved.Directions!.Directions, solved.Directions.Products);
            Compare.Close(p.matmul(matrix), ap, 1e-12);
            var curvatures = p.matmul(ap.mT);
            var lengths = curvatures.diagonal(0, -2, -1).rsqrt();
            Compare.Close(eye(9, dtype: ScalarType.Float64).expand(2, 9, 9), lengths.unsqueeze(-1) * curvatures * lengths.unsqueeze(-2),
                1e-8); // conjugate
            var limited = Dense(new LimitedMemoryPreconditioner(p * p.square().sum([-1], keepdim: true).rsqrt(), ap * p.square().sum([-1],
                keepdim: true).rsqrt()));
            Compare.Close(limited, Dense(new QuasiNewtonPreconditioner(solved.Directions)), 1e-8);
            // A sample takes a pair from each part of the solve, the last one too; its own pairs are kept: P y = s for the last.
            var sampled = new QuasiNewtonPreconditioning(3).Prepare(null!, cost, [solved]);
            var (last, image) = (p.select(1, 8), sampled.Apply(new(ap.select(1, 8))).Values);
            Compare.Close(last, image, 1e-10);
            var three = new ConjugateDirections(p.index_select(1, tensor(new long[] { 2, 5, 8 })),
                ap.index_select(1, tensor(new long[] { 2, 5, 8 })), ones([2, 3], dtype: ScalarType.Bool));
            Compare.Close(Dense(new QuasiNewtonPreconditioner(three)), Dense(sampled), 1e-14);
        }
        var all = new QuasiNewtonPreconditioning(50).Prepare(null!, cost, [solver.Solve(cost, new IdentityPreconditioner())]);
        Assert.True(Solve(cost, all, 1e-6).Iterations < Solve(cost, new IdentityPreconditioner(), 1e-6).Iterations);
        Assert.IsType<IdentityPreconditioner>(new QuasiNewtonPreconditioning().Prepare(null!, cost,
            [Solve(cost, new IdentityPreconditioner())]));
    }

    // Three outer loops, each with a Hessian of its own. The pairs of the second loop alone lack what its preconditioner had dealt with.
    [Fact]
    public void Quasi_Newton_pairs_of_all_earlier_loops_make_each_loop_cheaper()
    {
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 200, ResidualReduction = 1e-6, KeepDirections = true });
        // I + G G^T, as of a window: what the observations see changes, and I stays.
        double[] e = Slope(25000);
        var (matrix, rows) = Hessian(e);
        var seen = rows.mT.matmul(tensor(e.Select(value => Math.Sqrt(value - 1)).ToArray()).unsqueeze(-1) * rows);
        QuadraticCost Changed(double share)
        {
            var g = seen.matmul(Identity + share * random.Normal([2, M, M], ScalarType.Float64) / Math.Sqrt(M));
            return Cost(Identity + g.matmul(g.mT));
        }
        foreach (double share in (double[])[0.003, 0.07])
        {
            QuadraticCost[] costs = [Cost(matrix), Changed(share), Changed(share)];
            int[] Iterations(QuasiNewtonPreconditioning preconditioning, out List<InnerSolution> solves)
            {
                solves = [];
                foreach (var cost in costs) solves.Add(solver.Solve(cost, preconditioning.Prepare(null!, cost, solves)));
                return [.. solves.Select(solve => solve.Iterations)];
            }
            int[] none = [.. costs.Select(cost => solver.Solve(cost, new IdentityPreconditioner()).Iterations)];
            int[] all = Iterations(new(50), out var solved);
            Assert.InRange(all[1], 1, none[1] / 2);
            Assert.InRange(all[2], 1, none[2] / 2);
            int latest = solver.Solve(costs[2], new QuasiNewtonPreconditioning(50).Prepare(null!, costs[2], [solved[1]])).Iterations;
            Assert.True(latest > 1.5 * all[2], $"the latest pairs alone take {latest} iterations, all pairs {all[2]}");
            // A few pairs help little on so broad a slope, but cost three iterations at most.
            foreach (int few in (int[])[1, 3])
                foreach (var (with, without) in Iterations(new(few), out _).Zip(none)) Assert.InRange(with, 1, without + 3);
            // The update of the preconditioner that the second loop had, P' = V^T P V + s s^T / s^T y for pair after pair.
            var p = Dense(new QuasiNewtonPreconditioning(50).Prepare(null!, costs[1], [solved[0]]));
            var pairs = solved[1].Directions!;
            for (int j = 0; j < pairs.Known.size(1); j++)
            {
                Tensor s = pairs.Directions.select(1, j).unsqueeze(-1), y = pairs.Products.select(1, j).unsqueeze(-1);
                var known = pairs.Known.select(1, j).view(2, 1, 1);
                var curvature = s.mT.matmul(y);
                var v = Identity - y.matmul(s.mT) / curvature;
                p = where(known, v.mT.matmul(p).matmul(v) + s.matmul(s.mT) / curvature, p);
            }
            Compare.Close(p, Dense(new QuasiNewtonPreconditioning(50).Prepare(null!, costs[2], [solved[0], solved[1]])), 1e-8);
        }
    }

    [Fact]
    public void Recycled_pairs_are_Ritz_pairs_of_the_new_Hessian()
    {
        double[] e = Slope(300);
        var (matrix, _) = Hessian(e);
        var next = matrix + 0.05 * Identity + 0.02 * matrix.matmul(matrix) / 300;
        var first = new LimitedMemoryPreconditioner(Identity.narrow(0, 0, 3).repeat(2, 1, 1), matrix.narrow(1, 0, 3));
        var solved = Solve(Cost(matrix), first, 1e-4);
        var cost = Cost(next);
        int products = 0;
        var counted = cost with { HessianProduct = v => { products++; return cost.HessianProduct(v); } };
        var pairs = new RecycledEigenpairs(6).Find(null!, counted, [solved]);
        Assert.Equal(6, products);
        Compare.Close(eye(6, dtype: ScalarType.Float64).expand(2, 6, 6), pairs.Vectors.matmul(pairs.Vectors.mT), 1e-10);
        Compare.Close(pairs.Values.diag_embed(), pairs.Vectors.matmul(next).matmul(pairs.Vectors.mT), 1e-9);
        Compare.Close(pairs.Vectors.matmul(next), pairs.Products!, 1e-10);
        Compare.Close((pairs.Vectors.matmul(next) - pairs.Values.unsqueeze(-1) * pairs.Vectors).square().sum(-1).sqrt(), pairs.Residuals,
            1e-9);
        // Its limited-memory form uses the products and asks for none.
        new LimitedMemoryPreconditioning(new RecycledEigenpairs(6)).Prepare(null!, counted, [solved]);
        Assert.Equal(12, products);
        Assert.True(Solve(cost, new LimitedMemoryPreconditioning(new RecycledEigenpairs(6)).Prepare(null!, cost, [solved]), 1e-6).Iterations
            < Solve(cost, new IdentityPreconditioner(), 1e-6).Iterations);
        Compare.Close(Identity.expand(2, M, M), Dense(new LimitedMemoryPreconditioning(new RecycledEigenpairs()).Prepare(null!, cost,
            [])), 1e-14);
        Compare.Close(Identity.expand(2, M, M), Dense(new SpectralPreconditioning(new RecycledEigenpairs()).Prepare(null!, cost, [])),
            1e-14);
    }

    [Fact]
    public void Recycled_vectors_are_those_of_all_solves_along_which_the_Hessian_is_largest()
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        // A solve that knows the three leading vectors has others in its Krylov space; both together have the leading ones.
        var three = rows.narrow(1, 0, 3);
        InnerSolution first = Solve(cost, new IdentityPreconditioner(), 1e-6),
            second = Solve(cost, new LimitedMemoryPreconditioner(three, three.matmul(matrix)), 1e-3);
        double Found(params InnerSolution[] solves) => rows.narrow(1, 0, 6).matmul(new RecycledEigenpairs(8).Find(null!, cost, solves)
            .Vectors.mT)[0].square().sum().ToDouble();
        Assert.InRange(Found(second), 0, 4.5);
        Assert.InRange(Found(first, second), 5.9, 6.0000001);
        Assert.InRange(Found(second, first), 5.9, 6.0000001);
        // The same solve twice says nothing new, and its vectors that depend on each other are no error.
        RitzPairs once = new RecycledEigenpairs(M).Find(null!, cost, [second]),
            twice = new RecycledEigenpairs(2 * M).Find(null!, cost, [second, second]);
        Tensor Span(RitzPairs pairs) => pairs.Vectors.mT.matmul(pairs.Vectors);
        Compare.Close(Span(once), Span(twice), 1e-8);
        Assert.True(once.Known.sum(-1).equal(twice.Known.sum(-1)).all().ToBoolean());
        // What is handed on is as many of them, ranked by z^T A z / z^T z.
        Assert.Null(new RecycledEigenpairs(5).HandedOn([first, second]));
        Assert.Null(new RecycledEigenpairs(5, betweenWindows: true).HandedOn([]));
        foreach (IPreconditioning preconditioning in (IPreconditioning[])[new LimitedMemoryPreconditioning(new RecycledEigenpairs(5, true)),
            new SpectralPreconditioning(new RecycledEigenpairs(5, true))])
        {
            var handed = preconditioning.HandedOn([first, second])!;
            Assert.Equal([2L, 5L, M], handed.Vectors.shape);
            var unit = handed.Vectors / handed.Vectors.square().sum([-1], keepdim: true).sqrt();
            var quotients = unit.matmul(matrix).mul(unit).sum(-1);
            Compare.Close(quotients, handed.Values / handed.Vectors.square().sum(-1), 1e-8);
            Assert.True((quotients.diff(dim: -1) <= 1e-9).all().ToBoolean());
            Compare.Close(preconditioning.Prepare(null!, cost, [first, second]).Apply(cost.RightSide).Values,
                preconditioning.Prepare(null!, cost, [first with { Ritz = handed }]).Apply(cost.RightSide).Values, 1e-8);
        }
        foreach (var other in (IPreconditioning[])[new NoPreconditioning(), new RitzPreconditioning(), new QuasiNewtonPreconditioning(),
            new SpectralPreconditioning(new ComputedEigenpairs(3))])
            Assert.Null(other.HandedOn([first, second]));
    }

    [Fact]
    public void Two_levels_are_the_second_on_the_first()
    {
        var (matrix, _) = Hessian(Slope(300));
        var cost = Cost(matrix);
        var below = matrix[0] + 3 * Identity;
        var first = new RegularisedInversePreconditioning(matrix[0], 3);
        var one = (ISplitPreconditioner)first.Prepare(null!, cost, []);
        Compare.Close(linalg.inv(below).expand(2, M, M), Dense(one), 1e-12);
        var l = Dense(one.ApplyFactor);
        Compare.Close(linalg.inv(below).expand(2, M, M), l.matmul(l.mT), 1e-12);
        Compare.Close(l.mT, Dense(one.ApplyFactorTranspose), 1e-13);
        // All pairs of what the first level leaves: nothing remains to be done.
        var two = new TwoLevelPreconditioning(first, new SpectralPreconditioning(new ComputedEigenpairs(M, EigenpairMethod.Randomised),
            new() { Mu = 1 })).Prepare(null!, cost, []);
        Compare.Close(linalg.inv(matrix), Dense(two), 1e-8);
        Assert.IsAssignableFrom<ISplitPreconditioner>(two);
        Assert.Equal("spectral on " + first.Name, two.Name);
        Assert.All(Solve(cost, two, 1e-9).Trajectories, report => Assert.Equal(1, report.Iterations));
        var plain = new TwoLevelPreconditioning(first, new Own()).Prepare(null!, cost, []);
        Assert.False(plain is ISplitPreconditioner);
        Compare.Close(2 * linalg.inv(below).expand(2, M, M), Dense(plain), 1e-12);
        Assert.Contains("'own'", Assert.Throws<ArgumentException>(() => new TwoLevelPreconditioning(new Own(), first).Prepare(null!, cost,
            [])).Message);
    }

    private sealed class Given(RitzPairs pairs) : IEigenpairSource
    {
        public string Name => "given";
        public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) => pairs;
    }

    private sealed class Own : IPreconditioning, IPreconditioner
    {
        public string Name => "own";
        public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost,
            IReadOnlyList<InnerSolution> previous) => this;
        public ControlVector Apply(ControlVector vector) => 2 * vector;
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_split_form_walks_through_the_same_iterates(bool lanczos)
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        var u = random.Normal([2, 4, M], ScalarType.Float64);
        foreach (var preconditioner in (ISplitPreconditioner[])[new IdentityPreconditioner(),
            new SpectralPreconditioner(Pairs(e, rows, 5), new() { Alpha = -0.8, Beta = 0.5 }),
            new LimitedMemoryPreconditioner(u, u.matmul(matrix), 2),
                (ISplitPreconditioner)new RegularisedInversePreconditioning(matrix[0], 5).Prepare(null!, cost, [])])
        {
            var options = new InnerSolverOptions { MaximumIterations = 10, ResidualReduction = 0 };
            IInnerSolver solver = lanczos ? new LanczosSolver(options) : new ConjugateGradientSolver(options);
            InnerSolution whole = solver.Solve(cost, preconditioner), split = new SplitSolver(solver).Solve(cost, preconditioner);
            Compare.Close(whole.Solution.Values, split.Solution.Values, 1e-9);
            foreach (var (a, b) in whole.Trajectories.Zip(split.Trajectories))
            {
                Compare.Close(tensor(a.PreconditionedResidualNorms.ToArray()), tensor(b.ResidualNorms.ToArray()), 1e-8);
                Compare.Close(tensor(a.RitzValues.ToArray()), tensor(b.RitzValues.ToArray()), 1e-8);
            }
            // The Ritz vectors of either are orthonormal in P^-1; they may differ in sign.
            Compare.Close(whole.Ritz!.Vectors.square(), split.Ritz!.Vectors.square(), 1e-6);
        }
        Assert.Contains("'own'", Assert.Throws<ArgumentException>(() => new SplitSolver(new ConjugateGradientSolver()).Solve(cost,
            new Own())).Message);
    }

    [Fact]
    public void All_come_back_from_a_file_and_leave_no_tensors_behind()
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        var solved = new ConjugateGradientSolver(new() { MaximumIterations = 9, KeepDirections = true }).Solve(cost,
            new IdentityPreconditioner());
        var one = Pairs(e, rows, 3);
        var source = new FixedEigenpairs(new(one.Values.narrow(0, 0, 1), one.Vectors.narrow(0, 0, 1), one.Residuals.narrow(0, 0, 1),
            one.Known.narrow(0, 0, 1)));
        var registry = new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]);
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            foreach (var preconditioning in (IPreconditioning[])[new NoPreconditioning(), new RitzPreconditioning(0.3, 4,
                new() { Alpha = -0.9, Beta = 1.1 }), new QuasiNewtonPreconditioning(4),
                new SpectralPreconditioning(source, new() { Mu = 2, Beta = 0.4, Alpha = -0.3 }), new SpectralPreconditioning(source),
                new SpectralPreconditioning(new ComputedEigenpairs(3, EigenpairMethod.Randomised, 2, 4, 11)),
                    new LimitedMemoryPreconditioning(new RecycledEigenpairs(3, betweenWindows: true), 1.5),
                new LimitedMemoryPreconditioning(source, null),
                    new CovariancePreconditioning(ErrorCovariance.Diffusion(new() { Columns = 6, Rows = 4, CorrelationLength = 1.5 })),
                new TwoLevelPreconditioning(new RegularisedInversePreconditioning(matrix[1], 0.7),
                    new SpectralPreconditioning(new ComputedEigenpairs(2)))])
            {
                ModelArchive.Write(preconditioning, path);
                var read = ModelArchive.Read<IPreconditioning>(path, registry, new DataAssimilationContext(1));
                Assert.Equal((preconditioning.GetType(), preconditioning.Name), (read.GetType(), read.Name));
                var expected = preconditioning.Prepare(null!, cost, [solved]).Apply(cost.RightSide).Values;
                Assert.True(expected.equal(read.Prepare(null!, cost, [solved]).Apply(cost.RightSide).Values).all().ToBoolean(),
                    preconditioning.Name);
                long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
                using (NewDisposeScope()) read.Prepare(null!, cost, [solved]).Apply(cost.RightSide);
                Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
            }
            var solver = new SplitSolver(new LanczosSolver(new() { MaximumIterations = 3 }));
            ModelArchive.Write(solver, path);
            var readSolver = ModelArchive.Read<SplitSolver>(path, registry, new DataAssimilationContext(1));
            Assert.Equal("Lanczos, split", readSolver.Name);
            Assert.Equal(3, readSolver.Solve(cost, new IdentityPreconditioner()).Iterations);
        }
        finally { File.Delete(path); }
    }

    [Fact]
    public void Single_precision_stays_in_single_precision()
    {
        double[] e = Slope(30);
        var (matrix, rows) = Hessian(e);
        var single = matrix.to_type(ScalarType.Float32);
        var b = random.Normal([2, M], ScalarType.Float32);
        var cost = new QuadraticCost(v => new(single.matmul(v.Values.unsqueeze(-1)).squeeze(-1)), new(b), zeros(2));
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 60, ResidualReduction = 1e-5, KeepDirections = true });
        var solved = solver.Solve(cost, new IdentityPreconditioner());
        var one = Pairs(e, rows, 3);
        var source = new FixedEigenpairs(new(one.Values.narrow(0, 0, 1), one.Vectors.narrow(0, 0, 1), one.Residuals.narrow(0, 0, 1),
            one.Known.narrow(0, 0, 1)));
        foreach (var preconditioning in (IPreconditioning[])[new SpectralPreconditioning(source),
            new LimitedMemoryPreconditioning(source), new LimitedMemoryPreconditioning(new RecycledEigenpairs(3)),
            new QuasiNewtonPreconditioning(4), new SpectralPreconditioning(new ComputedEigenpairs(3, EigenpairMethod.Randomised)),
                new RegularisedInversePreconditioning(matrix[0], 1)])
        {
            var solution = solver.Solve(cost, preconditioning.Prepare(null!, cost, [solved])).Solution.Values;
            Assert.Equal(ScalarType.Float32, solution.dtype);
            Compare.Close(linalg.solve(matrix, b.to_type(ScalarType.Float64).unsqueeze(-1)).squeeze(-1),
                solution.to_type(ScalarType.Float64), 1e-3);
        }
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        double[] e = Slope(300);
        var (matrix, rows) = Hessian(e);
        var cost = Cost(matrix);
        var pairs = Pairs(e, rows, 3);
        foreach (double bad in (double[])[0, -1, double.NaN, double.PositiveInfinity])
        {
            Assert.Contains("Mu", Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralPreconditioner(pairs,
                new() { Mu = bad })).Message);
            Assert.Contains("Beta", Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralPreconditioner(pairs,
                new() { Beta = bad })).Message);
            Assert.Contains("mu", Assert.Throws<ArgumentOutOfRangeException>(() => new LimitedMemoryPreconditioner(pairs.Vectors,
                pairs.Vectors, bad)).Message);
            Assert.Throws<ArgumentOutOfRangeException>(() => new LimitedMemoryPreconditioning(new ComputedEigenpairs(2), bad));
            Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralPreconditioning(new ComputedEigenpairs(2), new() { Mu = bad }));
            Assert.Throws<ArgumentException>(() => new SpectralPreconditioner(pairs with { Values = full_like(pairs.Values, bad) }));
        }
        Assert.Contains("Alpha", Assert.Throws<ArgumentOutOfRangeException>(() => new SpectralPreconditioner(pairs,
            new() { Alpha = double.NaN })).Message);
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>(() =>
            new SpectralPreconditioner(pairs with { Known = pairs.Known.narrow(1, 0, 2) })).Message);
        // Ranks beyond the dimension.
        Assert.Contains($"{M} components", Assert.Throws<ArgumentException>(() => new ComputedEigenpairs(M + 1).Find(cost)).Message);
        var wide = random.Normal([2, M + 1, M], ScalarType.Float64);
        Assert.Contains($"{M + 1} independent", Assert.Throws<ArgumentException>(() => new LimitedMemoryPreconditioner(wide,
            wide)).Message);
        Assert.Contains("too many", Assert.Throws<ArgumentException>(() => new SpectralPreconditioner(
            new(ones(2, M + 1), wide, zeros(2, M + 1), ones([2, M + 1], dtype: ScalarType.Bool)))).Message);
        var twice = cat([pairs.Vectors, pairs.Vectors.narrow(1, 0, 1)], 1);
        Assert.Contains("must be linearly independent", Assert.Throws<ArgumentException>(() => new LimitedMemoryPreconditioner(twice,
            twice.matmul(matrix))).Message);
        Assert.Contains("positive definite", Assert.Throws<ArithmeticException>(() => new LimitedMemoryPreconditioner(pairs.Vectors,
            -pairs.Vectors)).Message);
        Assert.Contains("[2, 3, 24]", Assert.Throws<ArgumentException>(() => new LimitedMemoryPreconditioner(pairs.Vectors,
            twice)).Message);
        Assert.Contains("above zero", Assert.Throws<ArithmeticException>(() =>
            new QuasiNewtonPreconditioner(new(pairs.Vectors, -pairs.Vectors, pairs.Known))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new QuasiNewtonPreconditioning(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RecycledEigenpairs(0));
        Assert.Contains("batch of one", Assert.Throws<ArgumentException>(() => new FixedEigenpairs(pairs)).Message);
        Assert.Contains("conjugate", Assert.Throws<ArgumentException>(() => new LanczosSolver(new() { KeepDirections = true })).Message);
        Assert.Contains("smallest eigenvalue is -", Assert.Throws<ArgumentException>(() =>
            new RegularisedInversePreconditioning(matrix[0] - 5 * Identity, 1)).Message);
        Assert.Contains("symmetric", Assert.Throws<ArgumentException>(() => new RegularisedInversePreconditioning(random.Normal([4, 4],
            ScalarType.Float64), 1)).Message);
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>(() => new RegularisedInversePreconditioning(zeros(2, 3), 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new RegularisedInversePreconditioning(Identity, -1));
        Assert.Contains("dimension 4", Assert.Throws<ArgumentException>(() => new RegularisedInversePreconditioning(eye(4),
            1).Prepare(null!, cost, [])).Message);
        Assert.Contains("given: 4", Assert.Throws<ArgumentException>(() => new CovariancePreconditioning(ErrorCovariance.Scalar(4,
            1)).Prepare(null!, cost, [])).Message);
        var four = new FixedEigenpairs(new(ones(1, 1), eye(4).narrow(0, 0, 1).unsqueeze(0), zeros(1, 1),
            ones([1, 1], dtype: ScalarType.Bool)));
        Assert.Contains("dimension 4", Assert.Throws<ArgumentException>(() => four.Find(null!, cost, [])).Message);
        // A user's source with pairs of another dimension, of another batch, with more pairs than dimensions, with values below zero.
        foreach (var (expected,
            wrong) in ((string, RitzPairs)[])[("dimension 20 for 2", pairs with { Vectors = pairs.Vectors.narrow(2, 0, 20) }),
            ("for 3 trajectories",
                new(ones(3, 2), random.Normal([3, 2, M], ScalarType.Float64), zeros(3, 2), ones([3, 2], dtype: ScalarType.Bool))),
            ("too many", new(ones(2, M + 1), wide, zeros(2, M + 1), ones([2, M + 1], dtype: ScalarType.Bool))),
            ("above zero", pairs with { Values = -pairs.Values })])
            foreach (IPreconditioning preconditioning in (IPreconditioning[])[new SpectralPreconditioning(new Given(wrong)),
                new LimitedMemoryPreconditioning(new Given(wrong)),
                new TwoLevelPreconditioning(new NoPreconditioning(), new SpectralPreconditioning(new Given(wrong)))])
                Assert.Contains(expected, Assert.Throws<ArgumentException>(() => preconditioning.Prepare(null!, cost, [])).Message);
        Assert.Contains("passes on",
            Assert.Throws<ArgumentException>(() => new WindowMemory<StateMemory>(new(zeros(3, M)), WindowCycling.Disjoint(2))
            .Analysed(new(zeros(3, M)), new(zeros(3, M)), pairs)).Message);
    }
}

using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>Solves the same systems with every preconditioner and keeps how each solve went.</summary>
/// <param name="plan">Sizes and lengths.</param>
/// <param name="methods">What is compared, none first.</param>
/// <param name="progress">Told after each method; null for nobody.</param>
internal sealed class PreconditionerMeasurement(PreconditionerPlan plan, IReadOnlyList<PreconditionerMethod> methods,
    IProgress<ProgressReport>? progress)
{
    /// <summary>The residual at which a minimisation is compared, and the one where operations stop.</summary>
    public const double Small = 1e-7, Operational = 1e-3;

    private readonly Dictionary<string, List<double>> figures = [];
    private readonly Dictionary<string, List<IReadOnlyList<double>>> curves = [];
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private int solved;

    /// <summary>Conjugate gradients with full re-orthogonalisation, to the small residual.</summary>
    public ConjugateGradientSolver Solver { get; } =
        new(new InnerSolverOptions { MaximumIterations = plan.MaximumIterations, ResidualReduction = Small });

    /// <summary>Solves a batch of systems by all methods and keeps figures.</summary>
    /// <param name="trajectory">Where the model is linearised.</param>
    /// <param name="quadratic">The systems.</param>
    /// <param name="previous">The solve of the outer loop before.</param>
    /// <param name="cancellation">Looked at in every iteration.</param>
    public void Add(WindowTrajectory<State> trajectory, QuadraticCost quadratic, InnerSolution previous, CancellationToken cancellation)
    {
        Tensor? reference = null;
        foreach (var method in methods)
        {
            using var scope = NewDisposeScope();
            var solution = Solver.Solve(quadratic, method.Preconditioning.Prepare(trajectory, quadratic, [previous]), cancellation);
            reference ??= solution.Solution.Values.MoveToOuterDisposeScope();
            var difference = (solution.Solution.Values - reference).square().sum(-1).sqrt() / reference.square().sum(-1).sqrt();
            // What reached the limit of iterations has no solution to compare.
            Keep($"difference/{method.Name}",
                solution.Trajectories.Select((report, i) => report.Stop == InnerStop.IterationLimit ? 0 : difference[i].ToDouble()).Max());
            foreach (var report in solution.Trajectories)
            {
                Keep($"iterations/{method.Name}", report.Iterations);
                Keep($"operational/{method.Name}", IterationsTo(report, Operational));
                Keep($"condition/{method.Name}", report.ConditionEstimate);
                curves.TryAdd(method.Name, []);
                curves[method.Name].Add(report.ResidualNorms);
            }
            int all = methods.Count * plan.Cycles;
            progress?.Report(
                new ProgressReport($"solved with {method.Title}", ++solved, all, new Dictionary<string, double>(), watch.Elapsed,
                    watch.Elapsed * ((double)all / solved - 1)));
        }
    }

    /// <summary>
    /// Compares approximations with the whole matrix of each state: their relative error in the Frobenius norm beside the best of
    /// their rank.
    /// </summary>
    public void AddSpectra(WindowTrajectory<State> trajectory, QuadraticCost quadratic, FixedEigenpairs average, LearnedEigenpairs learned,
        LearnedEigenpairs residual)
    {
        using var scope = NewDisposeScope();
        var like = quadratic.RightSide.Values;
        long m = like.size(1), batch = like.size(0);
        var matrix = quadratic.HessianProducts(eye(m, dtype: like.dtype, device: like.device).unsqueeze(0).expand(batch, m, m));
        var values = linalg.eigvalsh(0.5 * (matrix + matrix.mT)).flip(-1);                           // [batch, m]
        if (!figures.ContainsKey("spectrum/exact")) Keep("spectrum/exact", values[0].to_type(ScalarType.Float64).ToArray<double>());
        var norm = matrix.square().sum([1, 2]);
        foreach (int rank in plan.Ranks)
        {
            // The rest of the spectrum is taken as one, as the preconditioners take it.
            var left = (values.narrow(1, rank, m - rank) - 1).square().sum(-1);
            Keep($"error/best.{rank}", (left / norm).sqrt().mean().ToDouble());
            foreach (var (name,
                source) in ((string, IEigenpairSource)[])[("fixed", average.Leading(rank)), ("learned", learned.Leading(rank)),
                    ("learned_residual", residual.Leading(Math.Min(rank, residual.Network.Rank)))])
            {
                using var one = NewDisposeScope();
                var pairs = source.Find(trajectory, quadratic, []);
                var approximation = eye(m, dtype: like.dtype) + pairs.Vectors.mT.matmul((pairs.Values - 1).unsqueeze(-1) * pairs.Vectors);
                Keep($"error/{name}.{rank}", ((matrix - approximation).square().sum([1, 2]) / norm).sqrt().mean().ToDouble());
                if (rank == plan.Ranks[^1] && !figures.ContainsKey($"spectrum/{name}"))
                    Keep($"spectrum/{name}", pairs.Values[0].to_type(ScalarType.Float64).ToArray<double>());
                if (rank == plan.Ranks[^1])
                    Keep($"relative/{name}", ((matrix - approximation).square().sum([1, 2]) / norm).mean().ToDouble());
            }
        }
    }

    /// <summary>Keeps some eigenvectors of the first state, exact and learned, to be drawn.</summary>
    public void AddFields(WindowTrajectory<State> trajectory, QuadraticCost quadratic, LearnedEigenpairs residual, long seed)
    {
        using var scope = NewDisposeScope();
        int most = Math.Min(plan.Ranks[0], residual.Network.Rank);
        var exact = PreconditionerPlan.Exact(most, plan.Oversampling, seed).Find(quadratic);
        var found = residual.Find(trajectory, quadratic, []);
        foreach (int pair in PreconditionerFigures.DrawnPairs(most))
            foreach (var (name, pairs) in ((string, RitzPairs)[])[("exact", exact), ("learned", found)])
            {
                var vector = pairs.Vectors[0, pair - 1];
                // Eigenvectors have no sign.
                vector = vector * (vector * exact.Vectors[0, pair - 1]).sum().sign();
                figures[$"vector/{name}.{pair}"] = [.. vector.to_type(ScalarType.Float64).ToArray<double>()];
            }
    }

    /// <summary>All that was kept, and the costs in forward runs.</summary>
    public IReadOnlyDictionary<string, double[]> Figures(PreconditionerCosts costs)
    {
        foreach (var method in methods)
        {
            var own = curves[method.Name];
            // The median over the systems, until half of them are solved; one that is solved keeps its last residual.
            double[] medians =
                [.. Enumerable.Range(0, own.Max(curve => curve.Count))
                    .Select(i => Median.Of(own.Select(curve => curve[Math.Min(i, curve.Count - 1)] / curve[0])))];
            figures[$"curve/{method.Name}"] = [.. medians.TakeWhile((_, i) => i == 0 || medians[i - 1] > Small)];
            double network = !method.UsesNetwork ? 0 : method.Key.Contains("residual") ? costs.Residual : costs.Learned;
            Keep($"cost/{method.Name}", Median.Of(figures[$"iterations/{method.Name}"]) * costs.Single +
                method.BlockProducts * costs.InBlock + network);
        }
        Keep("cost.product", costs.Single);
        Keep("cost.product_in_block", costs.InBlock);
        Keep("cost.network", costs.Learned);
        Keep("cost.residual_network", costs.Residual);
        return figures.ToDictionary(pair => pair.Key, pair => pair.Value.ToArray());
    }

    private void Keep(string name, params double[] values)
    {
        figures.TryAdd(name, []);
        figures[name].AddRange(values);
    }

    private static double IterationsTo(InnerReport report, double reduction)
    {
        for (int i = 0; i < report.ResidualNorms.Count; i++) if (report.ResidualNorms[i] <= reduction * report.ResidualNorms[0]) return i;
        return report.Iterations;
    }
}

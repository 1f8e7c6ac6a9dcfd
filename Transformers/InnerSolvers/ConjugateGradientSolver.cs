using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Preconditioned conjugate gradients (Hestenes and Stiefel 1952; Golub and Van Loan, section 11.5). Each trajectory of the batch has its
/// own step lengths. A trajectory that has converged stays unchanged while the others continue. The residual is updated by r - step A p,
/// which equals b - A v up to round-off (docs/preconditioning.md, Accuracy).
/// </summary>
/// <param name="options">Settings (default: null, their defaults).</param>
[Component("conjugate-gradient-solver")]
public sealed class ConjugateGradientSolver(InnerSolverOptions? options = null) : IInnerSolver
{
    /// <inheritdoc/>
    public string Name => "conjugate gradients";

    /// <summary>Its settings.</summary>
    public InnerSolverOptions Options { get; } = (options ?? new()).Checked();

    /// <inheritdoc/>
    public InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var b = KrylovNumbers.RightSide(cost);
        Tensor x = zeros_like(b), r = b.alias(), z = Preconditioned(preconditioner, r), p = z.alias();
        var rho = (r * z).sum(-1);
        bool[] nonzero = [.. KrylovNumbers.Of(b.abs().amax(-1)).Select(value => value > 0)];
        double[] rhos = KrylovNumbers.Positive(rho, nonzero, Who(preconditioner));
        var record = new KrylovRecord(Options, b, KrylovNumbers.Lengths(b), [.. rhos.Select(Math.Sqrt)], KrylovNumbers.Of(cost.AtZero));
        using var basis = Options.Reorthogonalisation == Reorthogonalisation.Full
            ? new KrylovBasis(preconditioner is not IdentityPreconditioner) : null;
        using var kept = Options.KeepDirections ? new KrylovBasis(preconditioned: true) : null;

        double[] lastStep = new double[rhos.Length], lastRatio = new double[rhos.Length];
        for (int iteration = 0; record.Any; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var iterationScope = NewDisposeScope();
            var active = record.Mask(b.device);
            if (basis is not null)
            {
                // Lanczos vectors alternate in sign relative to residuals.
                var scale = ((iteration % 2 == 0 ? 1 : -1) * rho.rsqrt()).where(active, zeros_like(rho)).unsqueeze(-1);
                basis.Add(scale * r, scale * z);
            }
            var q = KrylovNumbers.Product(cost.HessianProduct(new(p)), p, "the Hessian");
            kept?.Add(q, p);
            var curvature = (p * q).sum(-1);
            double[] curvatures = KrylovNumbers.Positive(curvature, record.Active, "The Hessian of an inner loop");
            var step = (rho / curvature).where(active, zeros_like(rho));
            var nextX = x + step.unsqueeze(-1) * p;
            var nextR = r - step.unsqueeze(-1) * q;
            if (basis is not null) nextR = basis.Orthogonalised(nextR, record.Begins);
            var nextZ = Preconditioned(preconditioner, nextR);
            var nextRho = (nextR * nextZ).sum(-1);
            double[] norms = KrylovNumbers.Lengths(nextR);
            bool[] unfinished = [.. norms.Select((norm, i) => record.Active[i] && norm > 0)];
            double[] nextRhos = KrylovNumbers.Positive(nextRho, unfinished, Who(preconditioner));
            double[] costs = KrylovNumbers.Of(cost.AtZero - 0.5 * (nextX * (b + nextR)).sum(-1));
            bool[] before = [.. record.Active];
            for (int i = 0; i < rhos.Length; i++)
            {
                if (!before[i]) continue;
                double length = rhos[i] / curvatures[i], ratio = norms[i] > 0 ? nextRhos[i] / rhos[i] : 0;
                double diagonal = 1 / length + (iteration > 0 ? lastRatio[i] / lastStep[i] : 0);
                record.Iterate(i, diagonal, Math.Sqrt(ratio) / length, norms[i], norms[i] > 0 ? Math.Sqrt(nextRhos[i]) : 0, costs[i]);
                (lastStep[i], lastRatio[i]) = (length, ratio);
            }
            var again = zeros_like(active);
            bool[] ended = [.. before.Zip(record.Active, (was, goesOn) => was && !goesOn)];
            if (Options.Restart && ended.Any(end => end))
            {
                var trueR = b - KrylovNumbers.Product(cost.HessianProduct(new(nextX)), nextX, "the Hessian");
                var trueZ = Preconditioned(preconditioner, trueR);
                var trueRho = (trueR * trueZ).sum(-1);
                norms = KrylovNumbers.Lengths(trueR);
                double[] trueRhos = KrylovNumbers.Positive(trueRho, [.. norms.Select((norm, i) => ended[i] && norm > 0)],
                    Who(preconditioner));
                bool[] restarts = [.. ended.Select((end, i) => end && record.Verify(i, norms[i], Math.Sqrt(Math.Max(0, trueRhos[i]))))];
                again = tensor(restarts, device: b.device);
                (nextR, nextZ) = (trueR.where(again.unsqueeze(-1), nextR), trueZ.where(again.unsqueeze(-1), nextZ));
                nextRho = trueRho.where(again, nextRho);
                nextRhos = [.. nextRhos.Select((value, i) => restarts[i] ? trueRhos[i] : value)];
                lastRatio = [.. lastRatio.Select((value, i) => restarts[i] ? 0 : value)];
            }
            var nextActive = record.Mask(b.device);
            var along = (nextRho / rho).where(nextActive.logical_and(again.logical_not()), zeros_like(rho));
            var nextP = (nextZ + along.unsqueeze(-1) * p).where(nextActive.unsqueeze(-1), zeros_like(p));
            nextR = nextR.where(nextActive.unsqueeze(-1), zeros_like(r));
            (x, r, z, p, rho, rhos) = (nextX.MoveToOuterDisposeScope(), nextR.MoveToOuterDisposeScope(),
                nextZ.alias().MoveToOuterDisposeScope(),
                nextP.MoveToOuterDisposeScope(), nextRho.MoveToOuterDisposeScope(), nextRhos);
        }
        var solution = record.Solution(new(x), basis);
        return (solution with { Directions = Directions(kept, solution.Trajectories) }).MoveToOuterDisposeScope();
    }

    private static ConjugateDirections? Directions(KrylovBasis? kept, IReadOnlyList<InnerReport> reports)
    {
        int most = reports.Max(report => report.Iterations);
        if (kept is null || most == 0) return null;
        bool[] known = [.. reports.SelectMany(report => Enumerable.Range(0, most).Select(j => j < report.Iterations))];
        return new(kept.Directions.clone(), kept.Residuals.clone(),
            tensor(known, device: kept.Directions.device).reshape(reports.Count, most));
    }

    private static string Who(IPreconditioner preconditioner) => $"The preconditioner '{preconditioner.Name}'";

    private static Tensor Preconditioned(IPreconditioner preconditioner, Tensor r) =>
        KrylovNumbers.Product(preconditioner.Apply(new(r)), r, Who(preconditioner));
}

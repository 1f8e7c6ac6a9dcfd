using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Records the course of a Krylov method, trajectory by trajectory: norms, costs, and the symmetric tridiagonal matrix T that represents
/// P A in the Krylov basis and gives the Ritz values.
/// </summary>
internal sealed class KrylovRecord
{
    private readonly InnerSolverOptions options;
    private readonly List<double>[] norms, preconditionedNorms, costs, diagonals, offDiagonals;
    private readonly InnerStop[] stops;
    private readonly double[] verified; // the true residual at the latest restart
    private readonly int[] begins;      // the iteration of the latest restart
    private readonly bool[] restarted;
    private readonly long dimension;
    private readonly double reduction;

    public KrylovRecord(InnerSolverOptions options, Tensor rightSide, double[] norm, double[] preconditionedNorm, double[] cost)
    {
        this.options = options;
        // A basis that is orthonormal to round-off has at most m vectors; no residual falls below round-off.
        dimension = options.Reorthogonalisation == Reorthogonalisation.Full ? rightSide.size(1) : int.MaxValue;
        reduction = Math.Max(options.ResidualReduction, rightSide.dtype == ScalarType.Float64 ? 1e-15 : 5e-7);
        int batch = norm.Length;
        List<double>[] Lists(double[]? first) =>
            [.. Enumerable.Range(0, batch).Select(i => first is null ? new List<double>() : [first[i]])];
        (norms, preconditionedNorms, costs, diagonals, offDiagonals) = (Lists(norm), Lists(preconditionedNorm), Lists(cost), Lists(null),
            Lists(null));
        stops = new InnerStop[batch];
        verified = [.. Enumerable.Repeat(double.PositiveInfinity, batch)];
        (begins, restarted) = (new int[batch], new bool[batch]);
        Active = [.. norm.Select(value => value > 0)];
    }

    /// <summary>The trajectories that continue.</summary>
    public bool[] Active { get; }

    /// <summary>T's diagonal of a trajectory.</summary>
    public IReadOnlyList<double> Diagonal(int trajectory) => diagonals[trajectory];

    /// <summary>T's sub-diagonal of a trajectory; its last entry points out of the space.</summary>
    public IReadOnlyList<double> OffDiagonal(int trajectory) => offDiagonals[trajectory];

    public bool Any => Active.Any(active => active);

    /// <summary>Active as a tensor <c>[batch]</c>.</summary>
    public Tensor Mask(Device device) => tensor(Active, device: device);

    /// <summary>Records an iteration of an active trajectory. T is that of the iterations before a restart.</summary>
    public void Iterate(int trajectory, double diagonal, double offDiagonal, double norm, double preconditionedNorm, double cost)
    {
        if (!restarted[trajectory])
        {
            diagonals[trajectory].Add(diagonal);
            offDiagonals[trajectory].Add(offDiagonal);
        }
        norms[trajectory].Add(norm);
        preconditionedNorms[trajectory].Add(preconditionedNorm);
        costs[trajectory].Add(cost);
        bool reduced = IsReduced(trajectory);
        if (!reduced && Iterations(trajectory) - begins[trajectory] < dimension && Iterations(trajectory) < options.MaximumIterations)
            return;
        stops[trajectory] = reduced ? InnerStop.ResidualReduced : InnerStop.IterationLimit;
        Active[trajectory] = false;
    }

    /// <summary>Records the true residual of a trajectory that has ended by its updated residual.</summary>
    /// <returns>Whether the trajectory continues from there.</returns>
    public bool Verify(int trajectory, double norm, double preconditionedNorm)
    {
        (norms[trajectory][^1], preconditionedNorms[trajectory][^1]) = (norm, preconditionedNorm);
        double now = Compared(trajectory)[^1];
        bool goesOn = !IsReduced(trajectory) && Iterations(trajectory) < options.MaximumIterations && now <= 0.5 * verified[trajectory];
        stops[trajectory] = IsReduced(trajectory) ? InnerStop.ResidualReduced
            : Iterations(trajectory) < options.MaximumIterations ? InnerStop.RoundOff : InnerStop.IterationLimit;
        if (goesOn) (verified[trajectory], begins[trajectory], restarted[trajectory]) = (now, Iterations(trajectory), true);
        return Active[trajectory] = goesOn;
    }

    /// <summary>The first vector of each trajectory's current Krylov space; earlier vectors belong to the space before a
    /// restart.</summary>
    public IReadOnlyList<int> Begins => begins;

    private int Iterations(int trajectory) => norms[trajectory].Count - 1;

    private List<double> Compared(int trajectory) =>
        options.Norm == ResidualNorm.Euclidean ? norms[trajectory] : preconditionedNorms[trajectory];

    private bool IsReduced(int trajectory) => Compared(trajectory)[^1] <= reduction * Compared(trajectory)[0];

    /// <summary>Makes the solution with its reports, and with Ritz pairs if the basis is given.</summary>
    public InnerSolution Solution(ControlVector solution, KrylovBasis? basis)
    {
        using var scope = NewDisposeScope();
        int batch = norms.Length, most = diagonals.Max(list => list.Count);
        var reports = new List<InnerReport>(batch);
        var values = ones([batch, most], dtype: ScalarType.Float64);
        var coordinates = zeros([batch, most, most], dtype: ScalarType.Float64); // rows: Ritz vectors in the Krylov basis
        var residuals = zeros([batch, most], dtype: ScalarType.Float64);
        var known = zeros([batch, most], dtype: ScalarType.Bool);
        for (int i = 0; i < batch; i++)
        {
            int k = diagonals[i].Count;
            double[] ritz = [];
            if (k > 0)
            {
                var (ascending, vectors) = SymmetricEigenproblem.Solve(Tridiagonal(diagonals[i], offDiagonals[i]));
                var (theta, rows) = (ascending.flip(0), vectors.T.flip(0));
                ritz = theta.ToArray<double>();
                values[i].narrow(0, 0, k).copy_(theta);
                coordinates[i].narrow(0, 0, k).narrow(1, 0, k).copy_(rows);
                residuals[i].narrow(0, 0, k).copy_(offDiagonals[i][k - 1] * rows.select(1, k - 1).abs());
                known[i].narrow(0, 0, k).fill_(true);
            }
            reports.Add(new(Iterations(i), stops[i], norms[i], preconditionedNorms[i], costs[i], ritz));
        }
        var like = solution.Values;
        var pairs = basis is null || most == 0 ? null
            : new RitzPairs(values.to(like.dtype, like.device, copy: true),
                coordinates.to(like.dtype, like.device).matmul(basis.Directions.narrow(1, 0, most)),
                residuals.to(like.dtype, like.device, copy: true),
                known.to(like.device, copy: true)).MoveToOuterDisposeScope();
        return new(solution, reports, pairs);
    }

    private static Tensor Tridiagonal(IReadOnlyList<double> diagonal, IReadOnlyList<double> offDiagonal)
    {
        int k = diagonal.Count;
        var entries = new double[k * k];
        for (int j = 0; j < k; j++)
        {
            entries[j * k + j] = diagonal[j];
            if (j + 1 < k) entries[j * k + j + 1] = entries[(j + 1) * k + j] = offDiagonal[j];
        }
        return tensor(entries, k, k);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The preconditioned Lanczos method (Golub and Van Loan, section 10.1; Fisher 1998): it builds a basis in which the Hessian is
/// tridiagonal and solves there. Its iterates are those of conjugate gradients in exact arithmetic; it always keeps the basis, and
/// combines the solution at the end.
/// </summary>
/// <param name="options">Settings (default: null, their defaults).</param>
[Component("lanczos-solver")]
public sealed class LanczosSolver(InnerSolverOptions? options = null) : IInnerSolver
{
    /// <inheritdoc/>
    public string Name => "Lanczos";

    /// <summary>Its settings.</summary>
    public InnerSolverOptions Options { get; } = options switch
    {
        { KeepDirections: true } =>
            throw new ArgumentException(
                $"The Lanczos method has no conjugate directions to keep; use {nameof(ConjugateGradientSolver)}.", nameof(options)),
        { Restart: true } => throw new ArgumentException("The Lanczos method forms its solution at the end and cannot restart; use " +
            $"{nameof(ConjugateGradientSolver)}.", nameof(options)),
        _ => (options ?? new()).Checked(),
    };

    /// <inheritdoc/>
    public InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        bool full = Options.Reorthogonalisation == Reorthogonalisation.Full;
        var b = KrylovNumbers.RightSide(cost);
        var (w, z, lengths) = Normalised(preconditioner, b, [.. KrylovNumbers.Of(b.abs().amax(-1)).Select(value => value > 0)]);
        double[] first = lengths, atZero = KrylovNumbers.Of(cost.AtZero);
        var record = new KrylovRecord(Options, b, KrylovNumbers.Lengths(b), first, atZero);
        using var basis = new KrylovBasis(preconditioner is not IdentityPreconditioner);
        double[][] coordinates = [.. first.Select(_ => Array.Empty<double>())];
        var previous = zeros_like(b);

        while (record.Any)
        {
            cancellation.ThrowIfCancellationRequested();
            using var iterationScope = NewDisposeScope();
            basis.Add(w, z);
            // A z_j = beta_{j-1} w_{j-1} + alpha_j w_j + beta_j w_{j+1}
            var next = KrylovNumbers.Product(cost.HessianProduct(new(z)), z, "the Hessian") - previous;
            var diagonal = (next * z).sum(-1, keepdim: true);
            double[] diagonals = KrylovNumbers.Of(diagonal.squeeze(-1));
            next = next - diagonal * w;
            if (full) next = basis.Orthogonalised(next);
            double[] sizes = KrylovNumbers.Lengths(next);
            bool[] goOn = [.. sizes.Select((size, i) => record.Active[i] && size > 0)];
            var (nextW, nextZ, offDiagonals) = Normalised(preconditioner, next, goOn);
            for (int i = 0; i < first.Length; i++)
            {
                if (!record.Active[i]) continue;
                double[] s = coordinates[i] = Solve([.. record.Diagonal(i), diagonals[i]], record.OffDiagonal(i), first[i]);
                // The residual is -beta_k s_k w_{k+1}.
                double along = Math.Abs(s[^1]);
                record.Iterate(i, diagonals[i], offDiagonals[i], along * sizes[i], along * offDiagonals[i],
                    atZero[i] - 0.5 * first[i] * s[0]);
            }
            var active = record.Mask(b.device).unsqueeze(-1);
            var beta = b.Numbers(offDiagonals).unsqueeze(-1);
            (previous, w, z) = ((beta * w).MoveToOuterDisposeScope(), nextW.where(active, zeros_like(w)).MoveToOuterDisposeScope(),
                nextZ.where(active, zeros_like(z)).MoveToOuterDisposeScope());
        }
        var x = coordinates.All(s => s.Length == 0) ? zeros_like(b) : Combined(coordinates, basis, b);
        var solution = record.Solution(new(x), full ? basis : null);
        return solution.MoveToOuterDisposeScope();
    }

    // r / |r| and P r / |r| with the length in P, and that length; zero for a trajectory that does not continue.
    private static (Tensor W, Tensor Z, double[] Lengths) Normalised(IPreconditioner preconditioner, Tensor r, bool[] goOn)
    {
        string who = $"The preconditioner '{preconditioner.Name}'";
        var z = KrylovNumbers.Product(preconditioner.Apply(new(r)), r, who);
        var squares = (r * z).sum(-1);
        double[] values = KrylovNumbers.Positive(squares, goOn, who);
        var scale = squares.rsqrt().where(tensor(goOn, device: r.device), zeros_like(squares)).unsqueeze(-1);
        return (scale * r, scale * z, [.. values.Select((value, i) => goOn[i] ? Math.Sqrt(value) : 0)]);
    }

    // Solves T s = size e_1 for a symmetric positive definite tridiagonal T, by its factors L D L^T.
    private static double[] Solve(double[] diagonal, IReadOnlyList<double> offDiagonal, double size)
    {
        int k = diagonal.Length;
        double[] pivots = new double[k], s = new double[k];
        for (int j = 0; j < k; j++)
        {
            double factor = j == 0 ? 0 : offDiagonal[j - 1] / pivots[j - 1];
            pivots[j] = diagonal[j] - (j == 0 ? 0 : factor * offDiagonal[j - 1]);
            s[j] = j == 0 ? size : -factor * s[j - 1];
            if (!(pivots[j] > 0 && double.IsFinite(pivots[j])))
                throw new ArithmeticException(
                    $"The Hessian of an inner loop must be positive definite, but the pivot {j} of its tridiagonal form is " +
                        $"{pivots[j]:g6}.");
        }
        for (int j = k - 1; j >= 0; j--) s[j] = s[j] / pivots[j] - (j + 1 < k ? offDiagonal[j] / pivots[j] * s[j + 1] : 0);
        return s;
    }

    private static Tensor Combined(double[][] coordinates, KrylovBasis basis, Tensor like)
    {
        int most = coordinates.Max(s => s.Length);
        var padded = like.Numbers(coordinates.SelectMany(s => s.Concat(new double[most - s.Length])));
        return padded.reshape(coordinates.Length, 1, most).matmul(basis.Directions).squeeze(-2);
    }
}

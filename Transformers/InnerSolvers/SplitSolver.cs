using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Solves the split form: (L^T A L) u = L^T b without a preconditioner, and v = L u, with P = L L^T (Trappler and Vidard, section 1.5).
/// Its iterates are those of the method preconditioned by P. It uses the residual in P, which both norms of its report refer to.
/// </summary>
/// <param name="solver">The solver for u. Directions that it keeps are not returned, since A is not known along them.</param>
[Component("split-solver")]
public sealed class SplitSolver(IInnerSolver solver) : IInnerSolver
{
    /// <inheritdoc/>
    public string Name => $"{solver.Name}, split";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The preconditioner has no factor.</exception>
    public InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var split = Factored(preconditioner, "A split solve");
        var inner = solver.Solve(cost.Split(split), new IdentityPreconditioner(), cancellation);
        // P A (L w) = theta L w, and L w is orthonormal in P^-1
        RitzPairs? ritz = inner.Ritz is not { } pairs ? null : pairs with
        {
            Vectors = stack([.. Enumerable.Range(0, (int)pairs.Vectors.size(1)).Select(i =>
                split.ApplyFactor(new(pairs.Vectors.select(1, i))).Values)], 1),
        };
        return (inner with { Solution = split.ApplyFactor(inner.Solution), Ritz = ritz, Directions = null }).MoveToOuterDisposeScope();
    }

    internal static ISplitPreconditioner Factored(IPreconditioner preconditioner, string who) => preconditioner as ISplitPreconditioner
        ?? throw new ArgumentException($"{who} needs a preconditioner with a factor, P = L L^T; " +
            $"'{preconditioner.Name}' ({preconditioner.GetType().Name}) has none. " +
            $"Those that implement {nameof(ISplitPreconditioner)} have one.", nameof(preconditioner));
}

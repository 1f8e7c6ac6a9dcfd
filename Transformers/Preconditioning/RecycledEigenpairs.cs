using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The Ritz vectors of the earlier solves, adapted to the current Hessian by the Rayleigh-Ritz method, at one product for each: the
/// values are those of this Hessian, whatever the preconditioner of those solves. All loops of a window count, since the directions that
/// a loop was preconditioned with are missing from its own Krylov space. The inner solver must re-orthogonalise in full; otherwise there
/// are no Ritz pairs and nothing is recycled.
/// </summary>
/// <param name="mostPairs">r, the largest number of vectors to use, those along which the Hessian was largest (default: 20).</param>
/// <param name="betweenWindows">
/// Whether a cycle hands the r vectors on from each window to the next (default: false, only between the outer loops of a window). It
/// pays with one outer loop, or if r exceeds the iterations of all loops of a window.
/// </param>
[Component("recycled-eigenpairs", 2)]
public sealed class RecycledEigenpairs(int mostPairs = 20, [Saved(Since = 2)] bool betweenWindows = false) : IEigenpairSource
{
    /// <inheritdoc/>
    public string Name => $"{MostPairs} recycled Ritz pairs";

    /// <summary>r, the largest number of vectors to use.</summary>
    public int MostPairs { get; } = (int)Require.AtLeast(mostPairs, 1);

    /// <summary>Whether a cycle hands the vectors on from each window to the next.</summary>
    public bool BetweenWindows => betweenWindows;

    /// <inheritdoc/>
    public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        if (Leading(previous) is not { } ritz) return RitzPairs.None(cost.RightSide.Values).MoveToOuterDisposeScope();
        var (basis, spanned) = RowProducts.Span(ritz.Vectors);
        var (values, vectors, products) = RowProducts.RayleighRitz(basis, cost.HessianProducts(basis), spanned);
        // Places that hold no pair have a zero vector.
        var known = vectors.square().sum(-1) > 0.5;
        values = values.where(known, ones_like(values));
        var residuals = (products - values.unsqueeze(-1) * vectors).square().sum(-1).sqrt();
        return new RitzPairs(values, vectors, residuals, known) { Products = products }.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous)
    {
        using var noGradients = no_grad();
        return betweenWindows ? Leading(previous) : null;
    }

    private RitzPairs? Leading(IReadOnlyList<InnerSolution> previous)
    {
        List<RitzPairs> sets = [.. previous.Select(solve => solve.Ritz).OfType<RitzPairs>()];
        return sets.Count == 0 ? null : RitzPairs.Joined(sets, MostPairs);
    }
}

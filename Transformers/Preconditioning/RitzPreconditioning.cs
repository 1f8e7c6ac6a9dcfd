namespace DaML.Components;

/// <summary>
/// The spectral limited-memory preconditioner from the Ritz pairs of all outer loops before (Tshimanga et al. 2008): the
/// Hessian changes little from one linearisation to the next. The inner solver must re-orthogonalise in full, or there are
/// no Ritz pairs and nothing is preconditioned.
/// </summary>
/// <param name="relativeResidual">
/// How accurate a pair must be, its residual as a fraction of its value; a tenth unless said, since the formula is that for
/// exact eigenpairs. Where solves converge, a looser bound does as well (docs/variational.md).
/// </param>
/// <param name="mostPairs">The most pairs that are taken over from one solve, the largest first; 100 unless said.</param>
/// <param name="form">
/// alpha, beta and mu of what each solve adds; null for alpha = -1, beta = 1 and mu = 1, since the pairs are accurate and reach down to the
/// foot of the spectrum.
/// </param>
[Component("ritz-preconditioning", 2)]
public sealed class RitzPreconditioning(double relativeResidual = 0.1, int mostPairs = 100, [Saved(Since = 2)] SpectralForm? form = null)
    : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => "Ritz pairs";

    /// <summary>How accurate a pair must be.</summary>
    public double RelativeResidual { get; } = Require.NotNegative(relativeResidual);

    /// <summary>The most pairs that are taken over from one solve.</summary>
    public int MostPairs { get; } = (int)Require.AtLeast(mostPairs, 1);

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; } = (form ?? new() { Mu = 1 }).Checked();

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        // The pairs of each solve are those of the Hessian as it was preconditioned then, so they stack.
        IPreconditioner? preconditioner = null;
        foreach (var solve in previous)
            if (solve.Ritz?.Accurate(RelativeResidual, MostPairs) is { } pairs)
                preconditioner = preconditioner is null ? new SpectralPreconditioner(pairs, Form)
                    : new StackedSpectralPreconditioner(preconditioner, pairs, Form);
        return preconditioner ?? new IdentityPreconditioner();
    }
}

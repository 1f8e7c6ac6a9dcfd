namespace DaML.Components;

/// <summary>
/// The spectral limited-memory preconditioner from the Ritz pairs of all earlier outer loops (Tshimanga et al. 2008): the Hessian changes
/// little from one linearisation to the next. The inner solver must re-orthogonalise in full; otherwise there are no Ritz pairs and there
/// is no preconditioning.
/// </summary>
/// <param name="relativeResidual">
/// The largest residual of a pair as a fraction of its value (default: 0.1, since the formula assumes exact eigenpairs). If solves
/// converge, a looser bound does as well (docs/methods/ritz-preconditioning.md).
/// </param>
/// <param name="mostPairs">The largest number of pairs to use from one solve, the largest first (default: 100).</param>
/// <param name="form">
/// alpha, beta and mu of each solve's contribution (default: null, alpha = -1, beta = 1 and mu = 1, since the pairs are accurate and
/// reach down to the low end of the spectrum).
/// </param>
[Component("ritz-preconditioning", 2)]
public sealed class RitzPreconditioning(double relativeResidual = 0.1, int mostPairs = 100, [Saved(Since = 2)] SpectralForm? form = null)
    : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => "Ritz pairs";

    /// <summary>The largest residual of a pair as a fraction of its value.</summary>
    public double RelativeResidual { get; } = Require.NotNegative(relativeResidual);

    /// <summary>The largest number of pairs to use from one solve.</summary>
    public int MostPairs { get; } = (int)Require.AtLeast(mostPairs, 1);

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; } = (form ?? new() { Mu = 1 }).Checked();

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        // The pairs of each solve are those of the Hessian as preconditioned then, so they stack.
        IPreconditioner? preconditioner = null;
        foreach (var solve in previous)
            if (solve.Ritz?.Accurate(RelativeResidual, MostPairs) is { } pairs)
                preconditioner = preconditioner is null ? new SpectralPreconditioner(pairs, Form)
                    : new StackedSpectralPreconditioner(preconditioner, pairs, Form);
        return preconditioner ?? new IdentityPreconditioner();
    }
}

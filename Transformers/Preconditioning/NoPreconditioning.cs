namespace DaML.Components;

/// <summary>No preconditioner other than the control variable transform.</summary>
[Component("no-preconditioning")]
public sealed class NoPreconditioning : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) =>
        new IdentityPreconditioner();
}

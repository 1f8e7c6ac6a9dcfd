namespace DaML.Components;

/// <summary>
/// A second level on top of a first. The second level preconditions the Hessian after the first, L^T A L. With B as the first level, in
/// <see cref="ControlVariable.Increment"/>, both equal the second alone after the control variable transform.
/// </summary>
/// <param name="first">The first level; it gives an <see cref="ISplitPreconditioner"/>.</param>
/// <param name="second">
/// The second level; it gives any preconditioner. It does not receive the results of earlier solves, since those are in other
/// coordinates: methods that recycle find nothing. They are for the control variable transform.
/// </param>
[Component("two-level-preconditioning")]
public sealed class TwoLevelPreconditioning(IPreconditioning first, IPreconditioning second) : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => $"{second.Name} on {first.Name}";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The first level has no factor.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        var below = SplitSolver.Factored(first.Prepare(linearisation, cost, previous), "The first of two levels");
        var above = second.Prepare(linearisation, cost.Split(below), []);
        return above is ISplitPreconditioner split ? new SplitTwoLevelPreconditioner(below, split) : new TwoLevelPreconditioner(below,
            above);
    }
}

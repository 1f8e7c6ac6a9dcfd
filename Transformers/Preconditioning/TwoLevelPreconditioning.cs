namespace DaML.Components;

/// <summary>
/// A second level on top of a first: the second is that of the Hessian as the first leaves it, L^T A L. With B as the first, in <see
/// cref="ControlVariable.Increment"/>, it is what the second alone is after the control variable transform.
/// </summary>
/// <param name="first">Gives an <see cref="ISplitPreconditioner"/>.</param>
/// <param name="second">
/// Gives any preconditioner. What solves before found is not handed on to it, since that is in other coordinates: methods that
/// recycle find nothing. They are for the control variable transform.
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

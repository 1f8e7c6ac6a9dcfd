namespace DaML.Components;

/// <summary>
/// Where the preconditioner of an inner loop comes from: from what earlier outer loops found, from a network that sees the state, from
/// nowhere. It is stateless.
/// </summary>
public interface IPreconditioning
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>The preconditioner of an inner loop.</summary>
    /// <param name="linearisation">The trajectory that the inner loop's model is linearised along.</param>
    /// <param name="cost">What the inner loop minimises.</param>
    /// <param name="previous">
    /// The solves of the outer loops before in this window, the first one first, after those of earlier windows where a minimisation was
    /// given any; they live as
    /// long as the minimisation.
    /// </param>
    IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous);

    /// <summary>
    /// What the next window of a cycle is to get as an earlier solve, whose <see cref="InnerSolution.Ritz"/> it becomes; null for nothing
    /// (default). It is in the memory of the cycle, so its size must have a bound.
    /// </summary>
    /// <param name="previous">All solves of the window that ends, after what it was handed itself.</param>
    /// <returns>Pairs for each trajectory of the batch, which belong to the caller.</returns>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => null;
}

namespace DaML.Components;

/// <summary>
/// A source of an inner loop's preconditioner: results of earlier outer loops, a network that sees the state, or nothing. It is
/// stateless.
/// </summary>
public interface IPreconditioning
{
    /// <summary>The name of the preconditioning.</summary>
    string Name { get; }

    /// <summary>Makes the preconditioner of an inner loop.</summary>
    /// <param name="linearisation">The trajectory along which the inner loop's model is linearised.</param>
    /// <param name="cost">The quadratic cost of the inner loop.</param>
    /// <param name="previous">
    /// The solves of the earlier outer loops in this window, the first one first, after those of earlier windows if the minimisation
    /// received any; they live as long as the minimisation.
    /// </param>
    IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous);

    /// <summary>
    /// Gives the pairs that the next window of a cycle receives as an earlier solve, as its <see cref="InnerSolution.Ritz"/> (default:
    /// null, nothing). They are in the memory of the cycle, so their size must be bounded.
    /// </summary>
    /// <param name="previous">All solves of the window that ends, after those that were handed to it.</param>
    /// <returns>Pairs for each trajectory of the batch; they belong to the caller.</returns>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => null;
}

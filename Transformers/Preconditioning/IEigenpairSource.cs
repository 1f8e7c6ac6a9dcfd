namespace DaML.Components;

/// <summary>
/// Where approximate eigenpairs of a Hessian come from: from its products, from an average over many states, from a network that sees
/// the state. <see cref="SpectralPreconditioning"/> and <see cref="LimitedMemoryPreconditioning"/> make preconditioners of them. It
/// is stateless.
/// </summary>
public interface IEigenpairSource
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>Approximate leading eigenpairs of the Hessian.</summary>
    /// <param name="linearisation">The trajectory that the inner loop's model is linearised along.</param>
    /// <param name="cost">What the inner loop minimises.</param>
    /// <param name="previous">The solves before; see <see cref="IPreconditioning.Prepare"/>.</param>
    /// <returns>Pairs with orthonormal vectors, for each trajectory of the batch or, with a batch of one, for all of them.</returns>
    RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous);

    /// <summary>What the next window of a cycle is to get as an earlier solve; see <see cref="IPreconditioning.HandedOn"/>.</summary>
    /// <param name="previous">All solves of the window that ends, after what it was handed itself.</param>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => null;
}

namespace DaML.Components;

/// <summary>
/// A source of approximate eigenpairs of a Hessian: its products, an average over many states, or a network that sees the state.
/// <see cref="SpectralPreconditioning"/> and <see cref="LimitedMemoryPreconditioning"/> make preconditioners of them. It is stateless.
/// </summary>
public interface IEigenpairSource
{
    /// <summary>The name of the source.</summary>
    string Name { get; }

    /// <summary>Gives approximate leading eigenpairs of the Hessian.</summary>
    /// <param name="linearisation">The trajectory along which the inner loop's model is linearised.</param>
    /// <param name="cost">The quadratic cost of the inner loop.</param>
    /// <param name="previous">The earlier solves; see <see cref="IPreconditioning.Prepare"/>.</param>
    /// <returns>Pairs with orthonormal vectors, for each trajectory of the batch or, with a batch of one, for all of them.</returns>
    RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous);

    /// <summary>Gives the pairs that the next window of a cycle receives as an earlier solve; see
    /// <see cref="IPreconditioning.HandedOn"/>.</summary>
    /// <param name="previous">All solves of the window that ends, after those that were handed to it.</param>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => null;
}

namespace DaML.Components;

/// <summary>Minimises the quadratic cost of an inner loop, for every trajectory of the batch by itself. It is stateless.</summary>
public interface IInnerSolver
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>Solves A v = b, from zero.</summary>
    /// <param name="cost">A and b.</param>
    /// <param name="preconditioner">P</param>
    /// <param name="cancellation">Looked at in every iteration.</param>
    /// <exception cref="ArithmeticException">A or P is seen not to be positive definite, or gives numbers that are not finite.</exception>
    InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, CancellationToken cancellation = default);
}

namespace DaML.Components;

/// <summary>Minimises the quadratic cost of an inner loop, for every trajectory of the batch by itself. It is stateless.</summary>
public interface IInnerSolver
{
    /// <summary>The solver's name.</summary>
    string Name { get; }

    /// <summary>Solves A v = b, from zero.</summary>
    /// <param name="cost">A and b.</param>
    /// <param name="preconditioner">P</param>
    /// <param name="cancellation">Checked in every iteration.</param>
    /// <exception cref="ArithmeticException">A or P turns out not to be positive definite, or gives non-finite numbers.</exception>
    InnerSolution Solve(QuadraticCost cost, IPreconditioner preconditioner, CancellationToken cancellation = default);
}

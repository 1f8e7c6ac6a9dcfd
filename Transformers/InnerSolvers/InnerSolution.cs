namespace DaML.Components;

/// <summary>The reason why an inner solve ended for a trajectory.</summary>
public enum InnerStop
{
    /// <summary>The residual fell to the requested level.</summary>
    ResidualReduced,

    /// <summary>The number of iterations was used up.</summary>
    IterationLimit,

    /// <summary>
    /// The true residual stayed above the requested level, and a restart did not halve it (<see cref="InnerSolverOptions.Restart"/>).
    /// </summary>
    RoundOff,
}

/// <summary>The course of an inner solve for one trajectory. Lists over the iterations begin with the state before the first.</summary>
/// <param name="Iterations">The number of iterations.</param>
/// <param name="Stop">The reason for the end.</param>
/// <param name="ResidualNorms">The length of b - A v.</param>
/// <param name="PreconditionedResidualNorms">The length of b - A v in P.</param>
/// <param name="Costs">q(v), which falls in every iteration.</param>
/// <param name="RitzValues">The eigenvalues of P A as approximated by the Krylov space, from the largest, one for each iteration before a
/// restart.</param>
public sealed record InnerReport(int Iterations, InnerStop Stop, IReadOnlyList<double> ResidualNorms,
    IReadOnlyList<double> PreconditionedResidualNorms,
    IReadOnlyList<double> Costs, IReadOnlyList<double> RitzValues)
{
    /// <summary>The last residual's length as a fraction of the first's; zero if there was nothing to reduce.</summary>
    public double ResidualReduction => ResidualNorms[0] == 0 ? 0 : ResidualNorms[^1] / ResidualNorms[0];

    /// <summary>The same fraction for the residual in P.</summary>
    public double PreconditionedResidualReduction =>
        PreconditionedResidualNorms[0] == 0 ? 0 : PreconditionedResidualNorms[^1] / PreconditionedResidualNorms[0];

    /// <summary>
    /// The largest Ritz value divided by the smallest: a lower bound of the condition number of P A; one if there was no iteration.
    /// </summary>
    public double ConditionEstimate => RitzValues.Count == 0 ? 1 : RitzValues[0] / RitzValues[^1];
}

/// <summary>The result of an inner solver.</summary>
/// <param name="Solution">v, <c>[batch, m]</c></param>
/// <param name="Trajectories">The course of the solve, for each trajectory of the batch.</param>
/// <param name="Ritz">The approximate eigenpairs of P A; null without full re-orthogonalisation.</param>
public sealed record InnerSolution(ControlVector Solution, IReadOnlyList<InnerReport> Trajectories, RitzPairs? Ritz)
{
    /// <summary>
    /// The search directions of the solver; null unless it keeps them (<see cref="InnerSolverOptions.KeepDirections"/>).
    /// </summary>
    public ConjugateDirections? Directions { get; init; }

    /// <summary>The largest number of iterations of any trajectory.</summary>
    public int Iterations => Trajectories.Max(report => report.Iterations);

    /// <summary>Keeps its tensors beyond the scope they were made in.</summary>
    internal InnerSolution MoveToOuterDisposeScope() => this with
    {
        Solution = new(Solution.Values.MoveToOuterDisposeScope()), Ritz = Ritz?.MoveToOuterDisposeScope(),
        Directions = Directions?.MoveToOuterDisposeScope(),
    };
}

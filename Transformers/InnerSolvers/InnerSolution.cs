namespace DaML.Components;

/// <summary>Why an inner solve ended for a trajectory.</summary>
public enum InnerStop
{
    /// <summary>The residual fell as far as was asked for.</summary>
    ResidualReduced,

    /// <summary>No iteration was left.</summary>
    IterationLimit,

    /// <summary>
    /// The true residual stayed above what was asked for, and a restart did not halve it (<see cref="InnerSolverOptions.Restart"/>).
    /// </summary>
    RoundOff,
}

/// <summary>How an inner solve went for one trajectory. Lists that follow the iterations begin before the first.</summary>
/// <param name="Iterations">How many.</param>
/// <param name="Stop">Why it ended.</param>
/// <param name="ResidualNorms">The length of b - A v.</param>
/// <param name="PreconditionedResidualNorms">That in P.</param>
/// <param name="Costs">q(v), which falls in every iteration.</param>
/// <param name="RitzValues">The eigenvalues of P A as the Krylov space shows them, from the largest, one for each iteration before a
/// restart.</param>
public sealed record InnerReport(int Iterations, InnerStop Stop, IReadOnlyList<double> ResidualNorms,
    IReadOnlyList<double> PreconditionedResidualNorms,
    IReadOnlyList<double> Costs, IReadOnlyList<double> RitzValues)
{
    /// <summary>The last residual's length as a fraction of the first's; zero where there was nothing to reduce.</summary>
    public double ResidualReduction => ResidualNorms[0] == 0 ? 0 : ResidualNorms[^1] / ResidualNorms[0];

    /// <summary>That of the residual in P.</summary>
    public double PreconditionedResidualReduction =>
        PreconditionedResidualNorms[0] == 0 ? 0 : PreconditionedResidualNorms[^1] / PreconditionedResidualNorms[0];

    /// <summary>
    /// The largest Ritz value over the smallest: the condition number of P A, from below; one where there was no iteration.
    /// </summary>
    public double ConditionEstimate => RitzValues.Count == 0 ? 1 : RitzValues[0] / RitzValues[^1];
}

/// <summary>What an inner solver gives back.</summary>
/// <param name="Solution">v, <c>[batch, m]</c></param>
/// <param name="Trajectories">How it went, for each trajectory of the batch.</param>
/// <param name="Ritz">The approximate eigenpairs of P A; null without full re-orthogonalisation.</param>
public sealed record InnerSolution(ControlVector Solution, IReadOnlyList<InnerReport> Trajectories, RitzPairs? Ritz)
{
    /// <summary>
    /// The directions the solver went along; null unless it keeps them (<see cref="InnerSolverOptions.KeepDirections"/>).
    /// </summary>
    public ConjugateDirections? Directions { get; init; }

    /// <summary>The most iterations that a trajectory took.</summary>
    public int Iterations => Trajectories.Max(report => report.Iterations);

    /// <summary>Its tensors, kept beyond the scope they were made in.</summary>
    internal InnerSolution MoveToOuterDisposeScope() => this with
    {
        Solution = new(Solution.Values.MoveToOuterDisposeScope()), Ritz = Ritz?.MoveToOuterDisposeScope(),
        Directions = Directions?.MoveToOuterDisposeScope(),
    };
}

namespace DaML;

/// <summary>The use of the increment that the inner loop found, in an outer loop.</summary>
public enum OuterStep
{
    /// <summary>Takes the increment unchanged, as operational systems do.</summary>
    Full,

    /// <summary>
    /// Takes half of the increment, or a quarter ..., for a trajectory whose cost it would raise: further nonlinear runs, but only then.
    /// </summary>
    Halved,
}

/// <summary>Settings of incremental 4D-Var, with their defaults.</summary>
[Component("incremental-minimisation")]
public sealed record IncrementalOptions : MinimisationOptions
{
    /// <summary>The largest number of outer loops (default: 3; the second corrects the linearisation, the third is seldom worth
    /// more).</summary>
    public int OuterIterations { get; init; } = 3;

    /// <summary>
    /// The fraction of its length by which the control vector of a converged trajectory changes at most (default: 1e-3). Zero always
    /// takes all outer loops.
    /// </summary>
    public double ControlTolerance { get; init; } = 1e-3;

    /// <summary>The use of the increment (default: halved, since a window too long for one linearisation may otherwise
    /// diverge).</summary>
    public OuterStep Step { get; init; } = OuterStep.Halved;

    /// <summary>The solver of the inner loops (default: conjugate gradients).</summary>
    public IInnerSolver InnerSolver { get; init; } = new ConjugateGradientSolver();

    /// <summary>The source of the inner loops' preconditioner (default: none other than the control variable transform).</summary>
    public IPreconditioning Preconditioning { get; init; } = new NoPreconditioning();

    /// <inheritdoc/>
    public override IWindowMinimisation Of(FourDimensionalVariationalCost cost) => new IncrementalFourDimensionalVariational(cost, this);
}

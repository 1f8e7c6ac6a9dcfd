namespace DaML;

/// <summary>What an outer loop does with the increment that its inner loop found.</summary>
public enum OuterStep
{
    /// <summary>Takes it as it is, as operational systems do.</summary>
    Full,

    /// <summary>
    /// Takes the half of it, or a quarter ..., for a trajectory whose cost it would raise: further nonlinear runs, but only then.
    /// </summary>
    Halved,
}

/// <summary>Settings of incremental 4D-Var, with their defaults.</summary>
public sealed record IncrementalOptions : MinimisationOptions
{
    /// <summary>The most outer loops; 3 unless said: the second corrects the linearisation, the third is seldom worth more.</summary>
    public int OuterIterations { get; init; } = 3;

    /// <summary>
    /// A trajectory has converged when the control vector changes by no more than this fraction of its length; 1e-3 unless said. Zero for
    /// always all outer loops.
    /// </summary>
    public double ControlTolerance { get; init; } = 1e-3;

    /// <summary>Halved unless said: a window too long for one linearisation may otherwise run away.</summary>
    public OuterStep Step { get; init; } = OuterStep.Halved;

    /// <summary>Solves the inner loops; conjugate gradients unless said.</summary>
    public IInnerSolver InnerSolver { get; init; } = new ConjugateGradientSolver();

    /// <summary>Where the inner loops' preconditioner comes from; none beside the control variable transform unless said.</summary>
    public IPreconditioning Preconditioning { get; init; } = new NoPreconditioning();

    /// <inheritdoc/>
    public override IWindowMinimisation Of(FourDimensionalVariationalCost cost) => new IncrementalFourDimensionalVariational(cost, this);
}

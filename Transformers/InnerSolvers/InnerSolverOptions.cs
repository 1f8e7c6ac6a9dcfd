namespace DaML.Components;

/// <summary>The remedy of a Krylov method against the loss of orthogonality by round-off.</summary>
public enum Reorthogonalisation
{
    /// <summary>
    /// No remedy: the least memory. Iterations are lost to directions that return, Ritz values repeat, and there are no Ritz vectors.
    /// </summary>
    None,

    /// <summary>
    /// Every new residual is made orthogonal to all before it, which keeps one vector for each iteration (two with a preconditioner).
    /// </summary>
    Full,
}

/// <summary>The norm of the residual b - A v for the comparison.</summary>
public enum ResidualNorm
{
    /// <summary>The Euclidean norm, which does not depend on the preconditioner.</summary>
    Euclidean,

    /// <summary>The norm in P, which the preconditioned method itself uses.</summary>
    Preconditioned,
}

/// <summary>Settings of an inner loop: when it ends, and how it keeps its vectors.</summary>
public sealed record InnerSolverOptions
{
    /// <summary>The largest number of iterations of one solve (default: 50). Each iteration costs a run of the tangent linear and one of
    /// the adjoint.</summary>
    public int MaximumIterations { get; init; } = 50;

    /// <summary>
    /// The fraction of its first length to which the residual must fall (default: 1e-4, below which the error of the linearisation is
    /// usually larger). Zero always takes all iterations.
    /// </summary>
    public double ResidualReduction { get; init; } = 1e-4;

    /// <summary>The norm of that residual (default: Euclidean, so that preconditioners are compared fairly).</summary>
    public ResidualNorm Norm { get; init; } = ResidualNorm.Euclidean;

    /// <summary>The re-orthogonalisation (default: full, which costs little beside a model's runs, and which Ritz pairs need).</summary>
    public Reorthogonalisation Reorthogonalisation { get; init; } = Reorthogonalisation.Full;

    /// <summary>
    /// Whether conjugate gradients return their search directions and A applied to them, two vectors for each iteration, which
    /// <see cref="QuasiNewtonPreconditioning"/> needs (default: false).
    /// </summary>
    public bool KeepDirections { get; init; }

    /// <summary>
    /// Whether conjugate gradients compute b - A v, by one more product, once the updated residual has fallen to the requested level
    /// (default: false). If the true residual has not, they restart from there, as long as that halves it. Their report ends with the
    /// true residual; Ritz values and pairs are those before a restart.
    /// </summary>
    public bool Restart { get; init; }

    internal InnerSolverOptions Checked()
    {
        Require.AtLeast(MaximumIterations, 1);
        Require.NotNegative(ResidualReduction);
        Require.Defined(Norm);
        Require.Defined(Reorthogonalisation);
        return this;
    }
}

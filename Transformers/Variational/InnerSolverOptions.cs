namespace DaML;

/// <summary>What a Krylov method does against the loss of orthogonality that round-off brings.</summary>
public enum Reorthogonalisation
{
    /// <summary>Nothing: the least memory. Iterations are lost to directions that return, Ritz values repeat, and Ritz vectors are not given.</summary>
    None,

    /// <summary>Every new residual is made orthogonal to all before it, which keeps one vector for each iteration (two with a preconditioner).</summary>
    Full,

    /// <summary>
    /// As <see cref="None"/>, but where the residual that the iterations carry has fallen as far as was asked for, b - A v is computed, by one more product.
    /// If it has not, the method starts again from there, as long as that halves it; it ends with the residual that is true. For conjugate gradients.
    /// </summary>
    Restart,
}

/// <summary>Which length of the residual b - A v is compared.</summary>
public enum ResidualNorm
{
    /// <summary>The Euclidean one, which does not depend on the preconditioner.</summary>
    Euclidean,

    /// <summary>That in P: the one the preconditioned method itself sees.</summary>
    Preconditioned,
}

/// <summary>When an inner loop ends, and how it keeps its vectors.</summary>
public sealed record InnerSolverOptions
{
    /// <summary>The most iterations of one solve; 50 unless said. Each costs a run of the tangent linear and one of the adjoint.</summary>
    public int MaximumIterations { get; init; } = 50;

    /// <summary>
    /// A solve ends when the residual has fallen to this fraction of its first length; 1e-4 unless said, below which the error
    /// of the linearisation is usually larger. Zero for always all iterations.
    /// </summary>
    public double ResidualReduction { get; init; } = 1e-4;

    /// <summary>Which residual that is; the Euclidean one unless said, so that preconditioners are compared fairly.</summary>
    public ResidualNorm Norm { get; init; } = ResidualNorm.Euclidean;

    /// <summary>Full unless said: beside a model's runs it costs little, and Ritz pairs need it.</summary>
    public Reorthogonalisation Reorthogonalisation { get; init; } = Reorthogonalisation.Full;

    /// <summary>
    /// Whether conjugate gradients give back the directions they went along and A applied to them, two vectors for each iteration, which
    /// <see cref="QuasiNewtonPreconditioning"/> needs (default: false).
    /// </summary>
    public bool KeepDirections { get; init; }

    internal InnerSolverOptions Checked()
    {
        Require.AtLeast(MaximumIterations, 1);
        Require.NotNegative(ResidualReduction);
        if (!Enum.IsDefined(Norm)) throw new ArgumentOutOfRangeException(nameof(Norm), Norm, $"No such residual norm: {Norm}.");
        if (!Enum.IsDefined(Reorthogonalisation)) throw new ArgumentOutOfRangeException(nameof(Reorthogonalisation), Reorthogonalisation, $"No such re-orthogonalisation: {Reorthogonalisation}.");
        return this;
    }
}

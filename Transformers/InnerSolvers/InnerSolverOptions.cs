namespace DaML.Components;

/// <summary>What a Krylov method does against the loss of orthogonality that round-off brings.</summary>
public enum Reorthogonalisation
{
    /// <summary>
    /// Nothing: the least memory. Iterations are lost to directions that return, Ritz values repeat, and Ritz vectors are not given.
    /// </summary>
    None,

    /// <summary>
    /// Every new residual is made orthogonal to all before it, which keeps one vector for each iteration (two with a preconditioner).
    /// </summary>
    Full,
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

    /// <summary>
    /// Whether conjugate gradients compute b - A v, by one more product, where the residual they carry along has fallen as far as was
    /// asked for, and start again from there where the true one has not, as long as that halves it (default: false). Their report ends
    /// with the true residual; Ritz values and pairs are those before a restart.
    /// </summary>
    public bool Restart { get; init; }

    internal InnerSolverOptions Checked()
    {
        Require.AtLeast(MaximumIterations, 1);
        Require.NotNegative(ResidualReduction);
        if (!Enum.IsDefined(Norm)) throw new ArgumentOutOfRangeException(nameof(Norm), Norm, $"No such residual norm: {Norm}.");
        if (!Enum.IsDefined(Reorthogonalisation))
            throw new ArgumentOutOfRangeException(nameof(Reorthogonalisation), Reorthogonalisation,
                $"No such re-orthogonalisation: {Reorthogonalisation}.");
        return this;
    }
}

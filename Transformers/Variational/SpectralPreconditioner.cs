using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The spectral preconditioner P = beta P_0 + sum over pairs of (mu theta^alpha - beta) z z^T with P_0 A z = theta z (Trappler and Vidard
/// eq. 1.21; with alpha = -1 Tshimanga et al. 2008, Q. J. R. Meteorol. Soc. 134, 751-769): the eigenvalues theta of P_0 A become
/// mu theta^(alpha + 1), the others are multiplied by beta. Exact where the pairs are.
/// </summary>
public sealed class SpectralPreconditioner : ISplitPreconditioner
{
    private readonly Tensor vectors, known, weights, roots;
    private readonly IPreconditioner? first;

    /// <summary>Makes a preconditioner.</summary>
    /// <param name="pairs">Approximate eigenpairs of P_0 A, their vectors orthonormal in P_0^-1 (<see cref="InnerSolution.Ritz"/>); a batch of one serves any batch.</param>
    /// <param name="form">alpha, beta and mu; null = their defaults.</param>
    /// <param name="first">P_0 (default: the identity).</param>
    /// <exception cref="ArgumentException">The pairs do not fit each other, a known eigenvalue is not above zero, or a setting is out of range.</exception>
    public SpectralPreconditioner(RitzPairs pairs, SpectralForm? form = null, IPreconditioner? first = null)
    {
        Form = (form ?? new()).Checked();
        this.first = first;
        pairs.Checked();
        (vectors, known) = (pairs.Vectors, pairs.Known);
        using var scope = NewDisposeScope();
        var mu = Form.Mu is { } number ? full_like(pairs.Values, number) : Form.Beta * pairs.Smallest().pow(-Form.Alpha);
        var size = mu * pairs.Values.pow(Form.Alpha);                                                 // mu theta^alpha, [batch, k]
        weights = (size - Form.Beta).masked_fill(known.logical_not(), 0).MoveToOuterDisposeScope();
        roots = (size.sqrt() - Math.Sqrt(Form.Beta)).masked_fill(known.logical_not(), 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public string Name => "spectral";

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; }

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        var all = first?.Apply(vector).Values ?? vector.Values;
        return new((Times(Form.Beta, all) + RowProducts.Along(vectors, weights, vector.Values)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">It stands on a first level.</exception>
    public ControlVector ApplyFactor(ControlVector vector)
    {
        if (first is not null)
            throw new NotSupportedException($"A {nameof(SpectralPreconditioner)} on a first level has no factor at hand; a {nameof(TwoLevelPreconditioning)} has one.");
        using var scope = NewDisposeScope();
        return new((Times(Math.Sqrt(Form.Beta), vector.Values) + RowProducts.Along(vectors, roots, vector.Values)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">It stands on a first level.</exception>
    public ControlVector ApplyFactorTranspose(ControlVector vector) => ApplyFactor(vector); // symmetric

    private static Tensor Times(double factor, Tensor vector) => factor == 1 ? vector : factor * vector;
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The spectral preconditioner P = beta I + sum over pairs of (mu theta^alpha - beta) z z^T with A z = theta z (Trappler and Vidard eq.
/// 1.21): the eigenvalues theta of A become mu theta^(alpha + 1), the others are multiplied by beta. It is exact if the pairs are.
/// </summary>
public sealed class SpectralPreconditioner : ISplitPreconditioner
{
    private readonly Tensor vectors, weights, roots;

    /// <summary>Makes a preconditioner.</summary>
    /// <param name="pairs">Approximate eigenpairs of A with orthonormal vectors; a batch of one serves any batch. They must live as long as
    /// the preconditioner.</param>
    /// <param name="form">alpha, beta and mu (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">The pairs do not match each other, a known eigenvalue is not above zero, or a setting is out
    /// of range.</exception>
    public SpectralPreconditioner(RitzPairs pairs, SpectralForm? form = null)
    {
        Form = (form ?? new()).Checked();
        pairs.Checked();
        vectors = pairs.Vectors;
        using var scope = NewDisposeScope();
        var mu = Form.Mu is { } number ? full_like(pairs.Values, number) : Form.Beta * pairs.Smallest().pow(-Form.Alpha);
        var size = mu * pairs.Values.pow(Form.Alpha);                                                 // mu theta^alpha, [batch, k]
        var unknown = pairs.Known.logical_not();
        weights = (size - Form.Beta).masked_fill(unknown, 0).MoveToOuterDisposeScope();
        roots = (size.sqrt() - Math.Sqrt(Form.Beta)).masked_fill(unknown, 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public string Name => "spectral";

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; }

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector) => new(Changed(vector.Values, vector.Values, Form.Beta, weights));

    /// <inheritdoc/>
    public ControlVector ApplyFactor(ControlVector vector) => new(Changed(vector.Values, vector.Values, Math.Sqrt(Form.Beta), roots));

    /// <inheritdoc/>
    public ControlVector ApplyFactorTranspose(ControlVector vector) => ApplyFactor(vector); // symmetric

    /// <summary>beta P_0 v + sum of weight z z^T v.</summary>
    internal Tensor On(Tensor firstLevel, Tensor vector) => Changed(firstLevel, vector, Form.Beta, weights);

    private Tensor Changed(Tensor rest, Tensor vector, double factor, Tensor sizes)
    {
        using var scope = NewDisposeScope();
        return ((factor == 1 ? rest : factor * rest) + RowProducts.Along(vectors, sizes, vector)).MoveToOuterDisposeScope();
    }
}

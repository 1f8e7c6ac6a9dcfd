using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The spectral preconditioner P = P_0 + sum over pairs of (mu / theta - 1) z z^T with P_0 A z = theta z (Tshimanga et al.
/// 2008, Q. J. R. Meteorol. Soc. 134, 751-769; Trappler and Vidard eq. 1.21 with alpha = -1 and beta = 1): it moves the
/// eigenvalues theta of P_0 A to mu and leaves the others. Exact where the pairs are.
/// </summary>
/// <param name="pairs">Approximate eigenpairs of P_0 A, their vectors orthonormal in P_0^-1 (<see cref="InnerSolution.Ritz"/>).</param>
/// <param name="target">mu, above zero; one unless said, the smallest eigenvalue of a Hessian after the control variable transform.</param>
/// <param name="first">P_0; the identity unless said.</param>
public sealed class SpectralPreconditioner(RitzPairs pairs, double target = 1, IPreconditioner? first = null) : IPreconditioner
{
    /// <inheritdoc/>
    public string Name => "spectral";

    /// <summary>mu, where the known eigenvalues go.</summary>
    public double Target { get; } = Require.Positive(target);

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        var z = pairs.Vectors;                                                                        // [batch, k, m]
        var weights = Target / pairs.Values - 1;                                                      // [batch, k]
        weights = weights.where(pairs.Known, zeros_like(weights));
        var along = weights * z.matmul(vector.Values.unsqueeze(-1)).squeeze(-1);                      // [batch, k]
        var change = along.unsqueeze(-2).matmul(z).squeeze(-2);
        return new(((first?.Apply(vector).Values ?? vector.Values) + change).MoveToOuterDisposeScope());
    }
}

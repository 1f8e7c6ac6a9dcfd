using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A spectral preconditioner on top of another one, P = beta P_0 + sum over pairs of (mu theta^alpha - beta) z z^T with P_0 A z = theta z
/// (Tshimanga et al. 2008, Q. J. R. Meteorol. Soc. 134, 751-769). It uses the Ritz pairs of a preconditioned solve unchanged.
/// </summary>
/// <param name="first">P_0</param>
/// <param name="pairs">Approximate eigenpairs of P_0 A, their vectors orthonormal in P_0^-1 (<see cref="InnerSolution.Ritz"/>).</param>
/// <param name="form">alpha, beta and mu (default: null, their defaults).</param>
/// <exception cref="ArgumentException">The pairs do not match each other, a known eigenvalue is not above zero, or a setting is out of
/// range.</exception>
public sealed class StackedSpectralPreconditioner(IPreconditioner first, RitzPairs pairs, SpectralForm? form = null) : IPreconditioner
{
    private readonly SpectralPreconditioner spectral = new(pairs, form);

    /// <inheritdoc/>
    public string Name => spectral.Name;

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var below = first.Apply(vector).Values;
        return new(spectral.On(below, vector.Values));
    }
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The spectral preconditioner P_alpha from eigenpairs of any source, with their values unchanged (Trappler and Vidard, eq. 1.21).
/// </summary>
/// <param name="source">The source of the eigenpairs.</param>
/// <param name="form">alpha, beta and mu (default: null, alpha = -1, beta = 1 and mu the smallest eigenvalue kept).</param>
[Component("spectral-preconditioning")]
public sealed class SpectralPreconditioning(IEigenpairSource source, SpectralForm? form = null) : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => $"spectral, {source.Name}";

    /// <summary>The source of the eigenpairs.</summary>
    public IEigenpairSource Source => source;

    /// <summary>alpha, beta and mu.</summary>
    public SpectralForm Form { get; } = (form ?? new()).Checked();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The source's pairs do not match each other or the control vector.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var noGradients = no_grad();
        return new SpectralPreconditioner(source.Find(linearisation, cost, previous).For(cost.RightSide.Values, source.Name), Form);
    }

    /// <inheritdoc/>
    public RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => source.HandedOn(previous);
}

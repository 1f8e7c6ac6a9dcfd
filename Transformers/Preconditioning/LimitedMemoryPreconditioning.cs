using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The limited-memory preconditioner on the span of eigenvectors from any source. Their values are not used, since one product of the
/// Hessian for each vector gives its action there. Inexact vectors do little harm.
/// </summary>
/// <param name="source">The source of the vectors.</param>
/// <param name="mu">The value of the eigenvalues on the subspace, above zero (default: 1); null for the smallest of them.</param>
[Component("limited-memory-preconditioning")]
public sealed class LimitedMemoryPreconditioning(IEigenpairSource source, double? mu = 1) : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => $"limited memory, {source.Name}";

    /// <summary>The source of the vectors.</summary>
    public IEigenpairSource Source => source;

    /// <summary>mu; null for the smallest eigenvalue on the subspace.</summary>
    public double? Mu { get; } = mu is { } number ? Require.Positive(number, nameof(mu)) : null;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The source's pairs do not match each other or the control vector.</exception>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var b = cost.RightSide.Values;
        var pairs = source.Find(linearisation, cost, previous).For(b, source.Name);
        var known = pairs.Known.expand(b.size(0), -1);
        var subspace = pairs.Vectors.expand(b.size(0), -1, -1);
        var made = new LimitedMemoryPreconditioner(subspace, pairs.Products ?? cost.HessianProducts(subspace), Mu, known);
        return made.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public RitzPairs? HandedOn(IReadOnlyList<InnerSolution> previous) => source.HandedOn(previous);
}

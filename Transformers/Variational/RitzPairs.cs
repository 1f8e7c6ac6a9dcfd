using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Approximate eigenpairs of a preconditioned Hessian P A, from the Krylov space of a solve: P A z = theta z to the residual
/// that is given. Every trajectory of a batch has its own; where one has fewer than another, the places left are unknown.
/// </summary>
/// <param name="Values">theta, from the largest, <c>[batch, k]</c>; one where unknown.</param>
/// <param name="Vectors">z, orthonormal in P^-1 (the identity without preconditioner), <c>[batch, k, m]</c>; zero where unknown.</param>
/// <param name="Residuals">The length of A z - theta P^-1 z in P, by which theta is at most wrong, <c>[batch, k]</c>.</param>
/// <param name="Known">Which places hold a pair, boolean <c>[batch, k]</c>.</param>
public sealed record RitzPairs(Tensor Values, Tensor Vectors, Tensor Residuals, Tensor Known)
{
    /// <summary>The pairs that are accurate: whose residual is at most a fraction of their value. The others become unknown.</summary>
    /// <param name="relativeResidual">That fraction, zero or above; infinite for all, however inaccurate.</param>
    /// <param name="most">How many to keep at most, the largest values first; all unless said.</param>
    public RitzPairs Accurate(double relativeResidual, int most = int.MaxValue)
    {
        if (!double.IsPositiveInfinity(relativeResidual)) Require.NotNegative(relativeResidual);
        Require.AtLeast(most, 1);
        using var scope = NewDisposeScope();
        var known = Known.logical_and(Residuals <= relativeResidual * Values);
        known = known.logical_and(known.to_type(ScalarType.Int64).cumsum(-1) <= most);
        var values = Values.where(known, ones_like(Values));
        var vectors = Vectors.masked_fill(known.logical_not().unsqueeze(-1), 0);
        var residuals = Residuals.masked_fill(known.logical_not(), 0);
        return new(values.MoveToOuterDisposeScope(), vectors.MoveToOuterDisposeScope(), residuals.MoveToOuterDisposeScope(), known.MoveToOuterDisposeScope());
    }

    internal RitzPairs MoveToOuterDisposeScope() =>
        new(Values.MoveToOuterDisposeScope(), Vectors.MoveToOuterDisposeScope(), Residuals.MoveToOuterDisposeScope(), Known.MoveToOuterDisposeScope());
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A subspace in every cycle of a view, spanned by vectors; for <see cref="PrincipalAngleScore"/>.</summary>
public abstract class Subspace
{
    private Subspace(string name, long count, params Column[] requires) =>
        (Name, Count, Requires) = (name, Require.AtLeast(count, 1), requires);

    /// <summary>The subspace's name.</summary>
    public string Name { get; }

    /// <summary>Its dimension k.</summary>
    public long Count { get; }

    /// <summary>The columns it is computed from.</summary>
    internal IReadOnlyList<Column> Requires { get; }

    /// <summary>Vectors that span it, as rows, <c>[batch, k, n]</c>.</summary>
    internal abstract Tensor Of(ScoredCycle cycle);

    /// <summary>The directions of largest variance of a covariance.</summary>
    /// <param name="covariance">Its column, <c>[n, n]</c>.</param>
    /// <param name="count">k, 1 to n.</param>
    public static Subspace LeadingDirections(Column covariance, long count) => new OfCovariance(covariance, count);

    /// <summary>
    /// The first vectors of a column, for instance the backward Lyapunov vectors that span the unstable-neutral subspace
    /// (<see cref="LyapunovVectors.Vectors"/>).
    /// </summary>
    /// <param name="vectors">The column, <c>[m, n]</c>, rows in their order.</param>
    /// <param name="count">k, 1 to m.</param>
    public static Subspace FirstVectors(Column vectors, long count) => new OfVectors(vectors, count);

    /// <summary>A random subspace, drawn anew for every cycle and trajectory; all directions are equally likely.</summary>
    /// <param name="context">The context whose seed it follows.</param>
    /// <param name="dimension">n</param>
    /// <param name="count">k, 1 to n.</param>
    public static Subspace Random(DataAssimilationContext context, long dimension, long count) => new Isotropic(context, dimension, count);

    private sealed class OfCovariance(Column covariance, long count)
        : Subspace($"{count} leading directions of {covariance}", count, covariance)
    {
        internal override Tensor Of(ScoredCycle cycle) => CovarianceComparison.LeadingDirections(cycle[covariance], Count);
    }

    private sealed class OfVectors(Column vectors, long count) : Subspace($"{count} {vectors}", count, vectors)
    {
        internal override Tensor Of(ScoredCycle cycle) =>
            cycle[vectors] is { ndim: 3 } given && given.size(1) >= Count ? given.narrow(1, 0, Count)
            : throw new ArgumentException(
                $"The column '{vectors}' must have shape [{Count} or more, n], so that its first {Count} vectors can be used; it has " +
                    $"{ColumnDefinition.Describe(cycle[vectors].Sizes()[1..])}.");
    }

    private sealed class Isotropic(DataAssimilationContext context, long dimension, long count)
        : Subspace($"a random subspace of {count}", count)
    {
        internal override Tensor Of(ScoredCycle cycle)
        {
            using var random = context.Random($"random-subspace/{Count}/{cycle.Cycle}");
            return random.Normal([cycle.Batch, Count, dimension], ScalarType.Float64);
        }
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The time-averaged eigenvalues of a covariance along a view, the largest first (Bocquet et al. 2024, fig. 1).</summary>
/// <param name="covariance">The column, <c>[n, n]</c>, for instance of <see cref="AnalysisCovariance{TMemory}"/>.</param>
public sealed class EigenspectrumScore(Column covariance)
    : Score($"eigenspectrum of {covariance}", covariance), IScore<IReadOnlyList<TimeAverage>>
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => CovarianceComparison.Eigenspectrum(cycle[covariance]);

    /// <inheritdoc/>
    public IReadOnlyList<TimeAverage> Summarise(ScoreFigures figures) => figures.All;
}

/// <summary>
/// The time-averaged normalised Bures-Wasserstein distance of a covariance from a second one along one trajectory, or from a constant one
/// (<see cref="CovarianceComparison.BuresWassersteinDistance"/>). Published for Lorenz-96: 0.013 between the learned analysis and the
/// EnKF with 40 members, 0.048 between it and 0.40^2 I.
/// </summary>
public sealed class CovarianceDistanceScore : Score
{
    private readonly Column first;
    private readonly Column? second;
    private readonly IErrorCovariance? constant;

    /// <summary>Measures the distance of two columns.</summary>
    /// <param name="first">A covariance, <c>[n, n]</c>.</param>
    /// <param name="second">The other covariance, <c>[n, n]</c>.</param>
    public CovarianceDistanceScore(Column first, Column second)
        : base($"Bures-Wasserstein distance of {first} and {second}", first, second) => (this.first, this.second) = (first, second);

    /// <summary>Measures the distance of a column from a constant covariance.</summary>
    /// <param name="first">A covariance, <c>[n, n]</c>.</param>
    /// <param name="constant">The constant covariance.</param>
    /// <param name="name">The score's name.</param>
    public CovarianceDistanceScore(Column first, IErrorCovariance constant, string name)
        : base($"Bures-Wasserstein distance of {first} and {name}", first) => (this.first, this.constant) = (first, constant);

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var covariance = cycle[first];
        var other = second is not null ? cycle[second].to(covariance.dtype)
            : constant!.ToMatrix(covariance.dtype, covariance.device).expand(covariance.Sizes());
        return CovarianceComparison.BuresWassersteinDistance(covariance, other);
    }
}

/// <summary>
/// The time-averaged principal angles between two subspaces along one trajectory, in degrees, from the smallest to the largest
/// (Bocquet et al. 2024, fig. 2).
/// </summary>
public sealed class PrincipalAngleScore : Score, IScore<IReadOnlyList<TimeAverage>>
{
    private readonly Subspace first, second;

    /// <summary>Makes a score.</summary>
    /// <param name="first">One subspace.</param>
    /// <param name="second">The other subspace, of the same dimension; this one may be random.</param>
    /// <exception cref="ArgumentException">The subspaces differ in dimension.</exception>
    public PrincipalAngleScore(Subspace first, Subspace second)
        : base($"principal angles of {first.Name} and {second.Name}", [.. first.Requires.Union(second.Requires)])
    {
        if (first.Count != second.Count)
            throw new ArgumentException(
                $"Principal angles need subspaces of one dimension; given: {first.Name} of {first.Count}, {second.Name} of {second.Count}.",
                nameof(second));
        (this.first, this.second) = (first, second);
    }

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var u = first.Of(cycle);
        return CovarianceComparison.PrincipalAngles(u, second.Of(cycle).to(u.dtype));
    }

    /// <inheritdoc/>
    public IReadOnlyList<TimeAverage> Summarise(ScoreFigures figures) => figures.All;
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The continuous ranked probability score of normal marginals with the method's mean and spread, averaged over the
/// components (Gneiting et al. 2005, Mon. Wea. Rev. 133, 1098-1118, eq. 5): for z = (x - m) / s
/// <code>crps = s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))</code>
/// in the unit of the state; smaller is better. If the spread is zero, it is the absolute error.
/// </summary>
/// <param name="which">The state: forecast or analysis.</param>
public sealed class GaussianCrps(ScoredState which)
    : Score($"{ScoredCycle.NameOf(which)} Gaussian CRPS", ScoredCycle.ColumnOf(which), ScoredCycle.SpreadOf(which), Columns.Truth)
{
    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => Of(cycle.State(which), cycle.Spread(which), cycle.Truth).mean([1]);

    /// <summary>Computes the score of each component.</summary>
    /// <param name="mean">m</param>
    /// <param name="standardDeviation">s, not below zero.</param>
    /// <param name="truth">x</param>
    public static Tensor Of(Tensor mean, Tensor standardDeviation, Tensor truth)
    {
        using var scope = NewDisposeScope();
        var error = truth - mean;
        var z = error / standardDeviation;
        var density = (-0.5 * z.square()).exp() / Math.Sqrt(2 * Math.PI);
        var score = standardDeviation * (z * (z / Math.Sqrt(2)).erf() + 2 * density - 1 / Math.Sqrt(Math.PI));
        return where(standardDeviation == 0, error.abs(), score).MoveToOuterDisposeScope();
    }
}

/// <summary>The interpretation of an ensemble's members in its CRPS.</summary>
public enum EnsembleCrpsKind
{
    /// <summary>
    /// The whole distribution: the score of the members' empirical distribution, which improves with more members of the same
    /// distribution.
    /// </summary>
    Empirical,

    /// <summary>
    /// A sample of a distribution, whose score is estimated without bias, so that ensembles of different sizes compare (Ferro 2014, Q. J.
    /// R. Meteorol. Soc. 140, 1917-1923).
    /// </summary>
    Fair,
}

/// <summary>
/// The continuous ranked probability score of an ensemble, averaged over the components:
/// <code>crps = mean_i |x_i - x| - 1 / (2 c) sum_ij |x_i - x_j|,  c = N^2 (empirical) or N (N - 1) (fair)</code>
/// in the unit of the state; smaller is better. Weighted particles enter with their weights w, c = 1 / (1 - sum_i w_i^2) for
/// the fair one.
/// </summary>
/// <param name="which">The state: forecast or analysis.</param>
/// <param name="kind">The interpretation of the members (default: fair).</param>
public sealed class EnsembleCrps(ScoredState which, EnsembleCrpsKind kind = EnsembleCrpsKind.Fair)
    : Score($"{ScoredCycle.NameOf(which)} {kind.ToString().ToLowerInvariant()} CRPS", Columns.Truth)
{
    /// <inheritdoc/>
    public override bool NeedsDensities => true;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => cycle.Density(which) is ParticleDensity particles
        ? OfParticles(particles.Members, particles.LogWeights.exp(), cycle.Truth, kind).mean([1])
        : Of(cycle.Members(which), cycle.Truth, kind).mean([1]);

    /// <summary>Computes the score of each component for weighted particles, <c>[batch, n]</c>.</summary>
    /// <param name="members"><c>[batch, members, n]</c></param>
    /// <param name="weights">The weights, with a sum of one, <c>[batch, members]</c>.</param>
    /// <param name="truth"><c>[batch, n]</c></param>
    /// <param name="kind">The interpretation of the particles.</param>
    public static Tensor OfParticles(Tensor members, Tensor weights, Tensor truth, EnsembleCrpsKind kind)
    {
        using var scope = NewDisposeScope();
        var error = ((members - truth.unsqueeze(1)).abs() * weights.unsqueeze(-1)).sum(1);
        // sum_ij w_i w_j |x_i - x_j| = 2 sum_i w_(i) x_(i) (2 W_(i) - w_(i) - 1) of the sorted particles, with W their running sum.
        var (sorted, order) = members.sort(1);
        var w = weights.unsqueeze(-1).expand(members.Sizes()).gather(1, order);
        var pairs = 2 * (w * sorted * (2 * w.cumsum(1) - w - 1)).sum(1);
        if (kind == EnsembleCrpsKind.Fair) pairs = pairs / (1 - weights.square().sum(1, keepdim: true));
        return (error - 0.5 * pairs).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the score of each component, <c>[batch, n]</c>.</summary>
    /// <param name="members"><c>[batch, members, n]</c>, at least two members.</param>
    /// <param name="truth"><c>[batch, n]</c></param>
    /// <param name="kind">The interpretation of the members.</param>
    public static Tensor Of(Tensor members, Tensor truth, EnsembleCrpsKind kind)
    {
        using var scope = NewDisposeScope();
        long n = EnsembleStatistics.Check(members).size(1);
        var error = (members - truth.unsqueeze(1)).abs().mean([1]);
        // sum_ij |x_i - x_j| = 2 sum_i (2 i - N - 1) x_(i) of the sorted members, i from 1.
        var (sorted, _) = members.sort(1);
        var weights = (2 * arange(1, n + 1, dtype: members.dtype, device: members.device) - n - 1).reshape(1, n, 1);
        var pairs = 2 * (weights * sorted).sum(1);
        return (error - pairs / (2.0 * (kind == EnsembleCrpsKind.Fair ? n * (n - 1) : n * n))).MoveToOuterDisposeScope();
    }
}

/// <summary>ln q(x) of the truth (the logarithmic or ignorance score with opposite sign; Good 1952); larger is better.</summary>
/// <param name="which">The state: forecast or analysis.</param>
/// <remarks>A method without a density (a single state, an ensemble no larger than the state) throws a
/// <see cref="NotSupportedException"/>.</remarks>
public sealed class LogDensityOfTruth(ScoredState which) : Score($"{ScoredCycle.NameOf(which)} log-density", Columns.Truth)
{
    /// <inheritdoc/>
    public override bool NeedsDensities => true;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) => cycle.Density(which).LogDensity(cycle.Truth);
}

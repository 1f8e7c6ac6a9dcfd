using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The cross-entropy of a method's prior and posterior densities at the truth (Boudier et al. eq. 4.3), whose average over time
/// and trajectories no method can make smaller than the Bayesian filter does (theorem 4.1):
/// <code>L_t = - w_b ln q^b_t(x_t) - w_a ln q^a_t(x_t)</code>
/// in nats; smaller is better.
/// </summary>
public sealed class CrossEntropy : Score
{
    private readonly double prior, posterior;

    /// <summary>Makes a score.</summary>
    /// <param name="priorWeight">w_b, not below zero (default: 1, as in the paper).</param>
    /// <param name="posteriorWeight">w_a, not below zero, and not zero together with w_b (default: 1, as in the paper).</param>
    /// <exception cref="ArgumentException">A weight is below zero, or both are zero.</exception>
    public CrossEntropy(double priorWeight = 1, double posteriorWeight = 1)
        : base($"cross-entropy{(posteriorWeight == 0 ? " of the prior" : priorWeight == 0 ? " of the posterior" : "")}", Columns.Truth)
    {
        (prior, posterior) = (Require.NotNegative(priorWeight), Require.NotNegative(posteriorWeight));
        if (prior + posterior == 0)
            throw new ArgumentException("Prior and posterior cannot both have weight zero: nothing would be scored.");
    }

    /// <inheritdoc/>
    public override bool NeedsDensities => true;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle) =>
        Of(cycle.Density(ScoredState.Forecast), cycle.Density(ScoredState.Analysis), cycle.Truth);

    /// <summary>The score of each trajectory, <c>[batch]</c>; it is differentiable if the densities are.</summary>
    /// <param name="forecast">q^b</param>
    /// <param name="analysis">q^a</param>
    /// <param name="truth">x, <c>[batch, n]</c></param>
    public Tensor Of(IDensity forecast, IDensity analysis, Tensor truth)
    {
        using var scope = NewDisposeScope();
        var sum = prior == 0 ? -posterior * analysis.LogDensity(truth)
            : posterior == 0 ? -prior * forecast.LogDensity(truth)
            : -prior * forecast.LogDensity(truth) - posterior * analysis.LogDensity(truth);
        return sum.MoveToOuterDisposeScope();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The part of the posterior that is relaxed to the prior's.</summary>
public enum RelaxationTarget
{
    /// <summary>The anomalies themselves: RTPP.</summary>
    Perturbations,

    /// <summary>Their standard deviation, component by component: RTPS.</summary>
    Spread,
}

/// <summary>
/// Undoes a part of the update's effect on the ensemble's spread, so that inflation acts only where there are observations.
/// </summary>
[Component("relaxation-inflation")]
public sealed record RelaxationInflation : Inflation
{
    internal RelaxationInflation(RelaxationTarget target, double weight)
    {
        Target = target;
        Weight = Require.NotNegative(weight);
        if (target == RelaxationTarget.Perturbations && weight > 1)
            throw new ArgumentOutOfRangeException(nameof(weight), weight,
                "The weight of a relaxation to the prior's perturbations must be between zero (none) and one (the prior's own); given: " +
                    $"{weight}.");
    }

    /// <summary>The part that is relaxed.</summary>
    public RelaxationTarget Target { get; }

    /// <summary>The weight of the relaxation.</summary>
    public double Weight { get; }

    /// <inheritdoc/>
    public override bool ComparesMembers => Target == RelaxationTarget.Perturbations;

    internal override bool Widens => Weight > 1;

    /// <inheritdoc/>
    public override Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var (_, prior) = EnsembleStatistics.Split(forecast);
        var (mean, posterior) = EnsembleStatistics.Split(analysis);
        var relaxed = Target == RelaxationTarget.Perturbations
            ? posterior + Weight * (prior - posterior)
            : posterior * Factor(prior.square().sum(1, keepdim: true), posterior.square().sum(1, keepdim: true));
        return (mean.unsqueeze(1) + relaxed).MoveToOuterDisposeScope();
    }

    // 1 + weight (s_f - s_a) / s_a; if the ensemble has no spread, there is nothing to multiply.
    private Tensor Factor(Tensor priorVariance, Tensor posteriorVariance)
    {
        var ratio = (priorVariance / posteriorVariance).sqrt();
        return where(posteriorVariance > 0, 1 + Weight * (ratio - 1), ones_like(ratio));
    }
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Adds a covariance to one of a cycle's two covariances.</summary>
[Component("additive-inflation")]
public sealed record AdditiveInflation : Inflation
{
    internal AdditiveInflation(IErrorCovariance covariance, NoiseTreatment treatment, InflationTarget target)
    {
        Covariance = covariance;
        Treatment = treatment;
        Target = target;
    }

    /// <summary>The covariance that is added.</summary>
    public IErrorCovariance Covariance { get; }

    /// <summary>The method of adding it.</summary>
    public NoiseTreatment Treatment { get; }

    /// <summary>The covariance that it is added to.</summary>
    public InflationTarget Target { get; }

    /// <inheritdoc/>
    public override Tensor BeforeUpdate(Tensor members, RandomStream random) =>
        Target == InflationTarget.Prior ? Add(members, random) : members;

    /// <inheritdoc/>
    public override Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random) =>
        Target == InflationTarget.Posterior ? Add(analysis, random) : analysis;

    private Tensor Add(Tensor members, RandomStream random) => EnsembleNoise.Add(members, Covariance, Treatment, random, centred: true);
}

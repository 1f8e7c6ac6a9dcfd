using static TorchSharp.torch;

namespace DaML;

/// <summary>Adds a covariance to one of a cycle's two covariances.</summary>
public sealed record AdditiveInflation : Inflation, IComponent
{
    internal AdditiveInflation(IErrorCovariance covariance, NoiseTreatment treatment, InflationTarget target)
    {
        Covariance = covariance;
        Treatment = treatment;
        Target = target;
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("additive-inflation", 1, reader => new AdditiveInflation(
        reader.Part<IErrorCovariance>("covariance"), reader.Get<NoiseTreatment>("treatment"), reader.Get<InflationTarget>("target")));

    ComponentType IComponent.ComponentType => Type;

    /// <summary>What is added.</summary>
    public IErrorCovariance Covariance { get; }

    /// <summary>How it is added.</summary>
    public NoiseTreatment Treatment { get; }

    /// <summary>To which covariance.</summary>
    public InflationTarget Target { get; }

    /// <inheritdoc/>
    public override Tensor BeforeUpdate(Tensor members, RandomStream random) => Target == InflationTarget.Prior ? Add(members, random) : members;

    /// <inheritdoc/>
    public override Tensor AfterUpdate(Tensor forecast, Tensor analysis, RandomStream random) => Target == InflationTarget.Posterior ? Add(analysis, random) : analysis;

    private Tensor Add(Tensor members, RandomStream random) => EnsembleNoise.Add(members, Covariance, Treatment, random, centred: true);

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("covariance", Covariance);
        writer.Set("treatment", Treatment);
        writer.Set("target", Target);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts from the mean and covariance of a normal distribution, the same for each trajectory.</summary>
/// <param name="initial">The distribution.</param>
/// <param name="precision">The precision the method then works in.</param>
public sealed class GaussianSource(GaussianInitialCondition initial, ScalarType precision) : IMemorySource<GaussianMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("gaussian-source", 1, reader =>
        new GaussianSource(reader.Part<GaussianInitialCondition>("initial"), reader.Get<ScalarType>("precision")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public GaussianMemory Start(long batch, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var mean = initial.Mean.to(precision, random.Device).repeat(batch, 1);
        var root = initial.Covariance.Root(precision, random.Device).repeat(batch, 1, 1);
        scope.MoveToOuter(mean, root);
        return GaussianMemory.OfRoot(mean, root);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("initial", initial);
        writer.Set("precision", precision);
    }
}

namespace DaML;

/// <summary>The physical model as the propagater of an ensemble: each member by itself, each with its own draw of the model's error.</summary>
/// <param name="dynamics">The model.</param>
public sealed class EnsemblePropagater(IDynamics dynamics) : IPropagater<EnsembleMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("ensemble-propagater", 1, reader => new EnsemblePropagater(reader.Part<IDynamics>("dynamics")));

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <inheritdoc/>
    public string Name => dynamics.Name;

    /// <inheritdoc/>
    public EnsembleMemory Propagate(EnsembleMemory analysis, TimeInterval interval, RandomStream random) =>
        new(dynamics.AdvanceWithModelError(analysis.Members, interval, random));

    void IComponent.Save(ComponentWriter writer) => writer.Part("dynamics", dynamics);
}

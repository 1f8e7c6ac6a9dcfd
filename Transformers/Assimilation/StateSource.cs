using static TorchSharp.torch;

namespace DaML;

/// <summary>Starts from one state for each trajectory, drawn independently.</summary>
/// <param name="initial">What they are drawn from.</param>
/// <param name="precision">The precision the method then works in.</param>
public sealed class StateSource(IInitialCondition initial, ScalarType precision) : IMemorySource<StateMemory>, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("state-source", 1, reader =>
        new StateSource(reader.Part<IInitialCondition>("initial"), reader.Get<ScalarType>("precision")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public StateMemory Start(long batch, RandomStream random) => new(initial.Draw(batch, random, precision));

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("initial", initial);
        writer.Set("precision", precision);
    }
}

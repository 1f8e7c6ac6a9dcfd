using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Starts from one state for each trajectory, drawn independently.</summary>
/// <param name="initial">The distribution of the states.</param>
/// <param name="precision">The precision that the method works in.</param>
[Component("state-source")]
public sealed class StateSource(IInitialCondition initial, ScalarType precision) : IMemorySource<StateMemory>
{
    /// <inheritdoc/>
    public StateMemory Start(long batch, RandomStream random) => new(initial.Draw(batch, random, precision));
}

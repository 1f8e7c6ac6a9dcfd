using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A memory in which an analysis hands something on to the next, in addition to the parts that a source starts.</summary>
/// <typeparam name="TSelf">The memory's own type.</typeparam>
internal interface IHandsOn<TSelf> where TSelf : IMemory<TSelf>
{
    /// <summary>The memory without handed-on values in the trajectories that restart.</summary>
    /// <param name="rows">The trajectories that restart, boolean <c>[batch]</c>.</param>
    TSelf Without(Tensor rows);
}

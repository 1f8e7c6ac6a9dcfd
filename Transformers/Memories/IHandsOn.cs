using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A memory in which an analysis hands something on to the next, beside what a source starts it with.</summary>
/// <typeparam name="TSelf">The memory's own type.</typeparam>
internal interface IHandsOn<TSelf> where TSelf : IMemory<TSelf>
{
    /// <summary>The memory in which nothing was handed on in some trajectories, which are started afresh.</summary>
    /// <param name="rows">Which ones, boolean <c>[batch]</c>.</param>
    TSelf Without(Tensor rows);
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A point of the state space, a row for each trajectory. States cannot be added or scaled: only an <see cref="Increment"/> may be added
/// to a state, and the difference of two states is an increment. Variational methods use these types, because their states, increments,
/// gradients and control vectors are all <c>[batch, n]</c> and easily confused; models, operators and filters take tensors.
/// </summary>
/// <param name="Values"><c>[batch, n]</c></param>
public readonly record struct State(Tensor Values)
{
    /// <summary>The state plus an increment.</summary>
    public static State operator +(State state, Increment increment) => new(state.Values + increment.Values);

    /// <summary>The state minus an increment.</summary>
    public static State operator -(State state, Increment increment) => new(state.Values - increment.Values);

    /// <summary>The increment from the second state to the first.</summary>
    public static Increment operator -(State to, State from) => new(to.Values - from.Values);
}

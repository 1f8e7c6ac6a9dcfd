using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A point of the state space, a row for each trajectory. States cannot be added or scaled: what may be added to a state is
/// an <see cref="Increment"/>, and the difference of two states is one. Variational methods speak in these types, because
/// there states, increments, gradients and control vectors are all <c>[batch, n]</c> and easily mistaken for each other;
/// models, operators and filters take tensors.
/// </summary>
/// <param name="Values"><c>[batch, n]</c></param>
public readonly record struct State(Tensor Values)
{
    /// <summary>The state after an increment.</summary>
    public static State operator +(State state, Increment increment) => new(state.Values + increment.Values);

    /// <summary>The state before an increment.</summary>
    public static State operator -(State state, Increment increment) => new(state.Values - increment.Values);

    /// <summary>What leads from the second state to the first.</summary>
    public static Increment operator -(State to, State from) => new(to.Values - from.Values);
}

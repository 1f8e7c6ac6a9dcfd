using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A parameter of a model, which may be uncertain.</summary>
/// <param name="Name">The name, for instance <c>forcing</c>.</param>
/// <param name="Value">The value that the model itself uses.</param>
public sealed record ModelParameter(string Name, double Value);

/// <summary>
/// A model that can run with given parameters, different ones for each state, as the joint estimation of state and parameters requires.
/// </summary>
public interface IParametricDynamics : IDynamics
{
    /// <summary>The model's q parameters, in the order in which <see cref="Advance"/> takes them.</summary>
    IReadOnlyList<ModelParameter> Parameters { get; }

    /// <summary>
    /// Computes the state at the interval's end, without model error, for given parameters; differentiable in state and parameters.
    /// </summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <param name="parameters"><c>[..., q]</c>, with the state's leading dimensions: every state has its own parameters.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <exception cref="ArgumentException">
    /// A last size is not n or q, leading dimensions differ, or the interval is not a whole number of steps.
    /// </exception>
    Tensor Advance(Tensor state, Tensor parameters, TimeInterval interval);
}

using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A number a model has, which may be known badly.</summary>
/// <param name="Name">What to call it, for instance <c>forcing</c>.</param>
/// <param name="Value">The value the model itself runs with.</param>
public sealed record ModelParameter(string Name, double Value);

/// <summary>
/// A model that can be run with other parameters than its own, each state with its own: what the joint estimation of state and parameters
/// needs.
/// </summary>
public interface IParametricDynamics : IDynamics
{
    /// <summary>The model's q parameters, in the order in which <see cref="Advance"/> takes them.</summary>
    IReadOnlyList<ModelParameter> Parameters { get; }

    /// <summary>The state at the interval's end, without model error, of a model with these parameters; differentiable in both.</summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <param name="parameters"><c>[..., q]</c>, with the state's leading dimensions: every state has parameters of its own.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <exception cref="ArgumentException">A last size is not n or q, leading dimensions differ, or the interval is no whole number of
    /// steps.</exception>
    Tensor Advance(Tensor state, Tensor parameters, TimeInterval interval);
}

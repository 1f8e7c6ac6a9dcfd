using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Draws a state and parameters independently from two distributions: <c>[n + q]</c>.</summary>
/// <param name="state">The distribution of the state, of dimension n.</param>
/// <param name="parameters">The distribution of the parameters, of dimension q.</param>
[Component("joint-initial-condition")]
public sealed class JointInitialCondition(IInitialCondition state, IInitialCondition parameters) : IInitialCondition
{
    /// <inheritdoc/>
    public long Dimension => state.Dimension + parameters.Dimension;

    /// <inheritdoc/>
    public Tensor Draw(long count, RandomStream random, ScalarType dtype)
    {
        using Tensor states = state.Draw(count, random, dtype), values = parameters.Draw(count, random, dtype);
        return cat([states, values], -1);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The function of an <see cref="ElementwiseObservationOperator"/>, from the usual nonlinear cases of filter studies.</summary>
public enum ObservationFunction
{
    /// <summary>y = |x|, which hides the sign.</summary>
    AbsoluteValue,

    /// <summary>y = x^2</summary>
    Square,

    /// <summary>y = x^3</summary>
    Cube,

    /// <summary>y = exp(x)</summary>
    Exponential,
}

/// <summary>Observes every component through the same nonlinear function.</summary>
/// <param name="stateDimension">The state's dimension n.</param>
/// <param name="function">The function.</param>
[Component("elementwise-observation-operator")]
public sealed class ElementwiseObservationOperator([Saved("dimension")] long stateDimension, ObservationFunction function)
    : ObservationOperator(stateDimension, stateDimension), IPointObservationOperator
{
    /// <inheritdoc/>
    public override string Name => $"observation through {Function}";

    /// <summary>The function.</summary>
    public ObservationFunction Function { get; } = Require.Defined(function);

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents { get; } = new ComponentRange(stateDimension);

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => Function switch
    {
        ObservationFunction.AbsoluteValue => state.abs(),
        ObservationFunction.Square => state.square(),
        ObservationFunction.Cube => state.pow(3),
        _ => state.exp(),
    };
}

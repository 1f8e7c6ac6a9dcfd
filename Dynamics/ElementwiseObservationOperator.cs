using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The functions an <see cref="ElementwiseObservationOperator"/> applies, the usual nonlinear cases of filter studies.</summary>
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
/// <param name="dimension">The state's dimension n.</param>
/// <param name="function">Which function.</param>
public sealed class ElementwiseObservationOperator(long dimension, ObservationFunction function) : ObservationOperator(dimension, dimension), IPointObservationOperator, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("elementwise-observation-operator", 1, reader =>
        new ElementwiseObservationOperator(reader.Get<long>("dimension"), reader.Get<ObservationFunction>("function")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name => $"observation through {Function}";

    /// <summary>Which function.</summary>
    public ObservationFunction Function { get; } = Enum.IsDefined(function) ? function
        : throw new ArgumentOutOfRangeException(nameof(function), function, $"There is no observation function {function}.");

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents => [.. Enumerable.Range(0, (int)StateDimension).Select(i => (long)i)];

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => Function switch
    {
        ObservationFunction.AbsoluteValue => state.abs(),
        ObservationFunction.Square => state.square(),
        ObservationFunction.Cube => state.pow(3),
        _ => state.exp(),
    };

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("dimension", StateDimension);
        writer.Set("function", Function);
    }
}

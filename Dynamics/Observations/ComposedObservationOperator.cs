using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>One observation operator after another, H(x) = H2(H1(x)), for instance the absolute value of every second component.</summary>
[Component("composed-observation-operator")]
public sealed class ComposedObservationOperator : ObservationOperator, IPointObservationOperator
{
    private readonly IObservationOperator first;
    private readonly IObservationOperator second;

    /// <summary>Composes two operators.</summary>
    /// <param name="first">H1, applied to the state.</param>
    /// <param name="second">H2, applied to the result of H1.</param>
    /// <exception cref="ArgumentException">The second operator takes states of another dimension than the first one returns.</exception>
    public ComposedObservationOperator(IObservationOperator first, IObservationOperator second)
        : base(first.StateDimension, second.ObservationDimension)
    {
        if (first.ObservationDimension != second.StateDimension)
            throw new ArgumentException(
                $"{second.Name} takes vectors of dimension {second.StateDimension}, but {first.Name} before it gives " +
                    $"{first.ObservationDimension}.", nameof(second));
        this.first = first;
        this.second = second;
    }

    /// <inheritdoc/>
    public override string Name => $"{first.Name}, then {second.Name}";

    /// <inheritdoc/>
    public override bool IsLinear => first.IsLinear && second.IsLinear;

    IReadOnlyList<long>? IPointObservationOperator.ObservedComponents =>
        first is IPointObservationOperator { ObservedComponents: { } inner }
        && second is IPointObservationOperator { ObservedComponents: { } outer }
            ? [.. outer.Select(i => inner[(int)i])] : null;

    bool IPointObservationOperator.IsSelection =>
        first is IPointObservationOperator { IsSelection: true } && second is IPointObservationOperator { IsSelection: true };

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => second.Apply(first.Apply(state));

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) =>
        second.TangentLinear(first.Apply(state), first.TangentLinear(state, perturbation));

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) =>
        first.Adjoint(state, second.Adjoint(first.Apply(state), sensitivity));
}

/// <summary>Composition of observation operators.</summary>
public static class ObservationOperatorExtensions
{
    /// <summary>Applies another operator after this one: H(x) = H2(H1(x)).</summary>
    public static ComposedObservationOperator Then(this IObservationOperator first, IObservationOperator second) => new(first, second);
}

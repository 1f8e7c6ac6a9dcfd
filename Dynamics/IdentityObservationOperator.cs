using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>H = I: every component of the state is observed.</summary>
/// <param name="dimension">The state's dimension n.</param>
public sealed class IdentityObservationOperator(long dimension) : ObservationOperator(dimension, dimension), IPointObservationOperator, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("identity-observation-operator", 1, reader =>
        new IdentityObservationOperator(reader.Get<long>("dimension")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name => "full observation";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents => [.. Enumerable.Range(0, (int)StateDimension).Select(i => (long)i)];

    private protected override bool MakesOneTensor => true;

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => state;

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) => perturbation;

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) => sensitivity;

    void IComponent.Save(ComponentWriter writer) => writer.Set("dimension", StateDimension);
}

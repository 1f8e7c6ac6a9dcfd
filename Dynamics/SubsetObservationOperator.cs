using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Observes chosen components of the state: H picks rows of the identity.</summary>
public sealed class SubsetObservationOperator : ObservationOperator, IPointObservationOperator, IComponent
{
    private readonly ConstantTensor indices;

    /// <summary>Creates an operator.</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="indices">Which components, from 0, in the order in which they are observed; one may occur more than once.</param>
    /// <exception cref="ArgumentException">There are none, or one lies outside the state.</exception>
    public SubsetObservationOperator(long dimension, params IReadOnlyList<long> indices) : base(dimension, CheckCount(indices))
    {
        foreach (long index in indices)
            if (index < 0 || index >= dimension)
                throw new ArgumentException($"The component {index} cannot be observed: a state of dimension {dimension} has components 0 to {dimension - 1}.", nameof(indices));
        Indices = [.. indices];
        using var values = tensor(Indices.ToArray());
        this.indices = new ConstantTensor(values);
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("subset-observation-operator", 1, reader =>
        new SubsetObservationOperator(reader.Get<long>("dimension"), reader.Get<long[]>("indices")));

    ComponentType IComponent.ComponentType => Type;

    /// <summary>Observes the components 0, stride, 2 stride, ...</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="stride">Distance between observed components, at least 1.</param>
    public static SubsetObservationOperator Strided(long dimension, long stride)
    {
        Require.AtLeast(dimension, 1);
        Require.AtLeast(stride, 1);
        return new SubsetObservationOperator(dimension, [.. Enumerable.Range(0, (int)((dimension - 1) / stride) + 1).Select(i => i * stride)]);
    }

    /// <inheritdoc/>
    public override string Name => $"observation of {ObservationDimension} of {StateDimension} components";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    /// <summary>Which components are observed, from 0.</summary>
    public IReadOnlyList<long> Indices { get; }

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents => Indices;

    /// <inheritdoc/>
    protected override Tensor Observe(Tensor state) => state.index_select(-1, indices.On(ScalarType.Int64, state.device));

    /// <inheritdoc/>
    protected override Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) => Observe(perturbation);

    /// <inheritdoc/>
    protected override Tensor ObserveAdjoint(Tensor state, Tensor sensitivity)
    {
        var nothing = zeros([.. sensitivity.Sizes()[..^1], StateDimension], dtype: sensitivity.dtype, device: sensitivity.device);
        return nothing.index_add(-1, indices.On(ScalarType.Int64, sensitivity.device), sensitivity, 1);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("dimension", StateDimension);
        writer.Set("indices", Indices);
    }

    private static long CheckCount(IReadOnlyList<long> indices) => indices.Count > 0 ? indices.Count
        : throw new ArgumentException("A subset of observed components must have at least one.", nameof(indices));
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Observes chosen components of the state: H picks rows of the identity.</summary>
[Component("subset-observation-operator")]
public sealed class SubsetObservationOperator : ObservationOperator, IPointObservationOperator
{
    private readonly ConstantTensor indices;

    /// <summary>Creates an operator.</summary>
    /// <param name="stateDimension">The state's dimension n.</param>
    /// <param name="indices">The observed components, from 0, in the order of the observations; one may occur more than once.</param>
    /// <exception cref="ArgumentException">There are no indices, or one lies outside the state.</exception>
    public SubsetObservationOperator([Saved("dimension")] long stateDimension, params IReadOnlyList<long> indices)
        : base(stateDimension, CheckCount(indices))
    {
        foreach (long index in indices)
            if (index < 0 || index >= stateDimension)
                throw new ArgumentException(
                    $"The component {index} cannot be observed: a state of dimension {stateDimension} has components 0 to " +
                        $"{stateDimension - 1}.", nameof(indices));
        Indices = [.. indices];
        using var values = tensor(Indices.ToArray());
        this.indices = new ConstantTensor(values);
    }

    /// <summary>Observes the components 0, stride, 2 stride, ...</summary>
    /// <param name="dimension">The state's dimension n.</param>
    /// <param name="stride">The distance between observed components, at least 1.</param>
    public static SubsetObservationOperator Strided(long dimension, long stride)
    {
        Require.AtLeast(dimension, 1);
        Require.AtLeast(stride, 1);
        return new SubsetObservationOperator(dimension,
            [.. Enumerable.Range(0, (int)((dimension - 1) / stride) + 1).Select(i => i * stride)]);
    }

    /// <inheritdoc/>
    public override string Name => $"observation of {ObservationDimension} of {StateDimension} components";

    /// <inheritdoc/>
    public override bool IsLinear => true;

    /// <summary>The observed components, from 0.</summary>
    public IReadOnlyList<long> Indices { get; }

    IReadOnlyList<long> IPointObservationOperator.ObservedComponents => Indices;

    bool IPointObservationOperator.IsSelection => true;

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

    private static long CheckCount(IReadOnlyList<long> indices) => indices.Count > 0 ? indices.Count
        : throw new ArgumentException("A subset of observed components must have at least one.", nameof(indices));
}

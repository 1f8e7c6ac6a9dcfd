using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The same eigenpairs for every state: those of an average Hessian (<see cref="FixedPreconditioningEstimator"/>). A preconditioner that
/// depends on the state can gain only what they leave.
/// </summary>
[Component("fixed-eigenpairs")]
public sealed class FixedEigenpairs : IEigenpairSource
{
    private readonly ConstantTensor values, vectors, residuals;

    /// <summary>Makes a source.</summary>
    /// <param name="pairs">The pairs, of a batch of one, all of them known, with orthonormal vectors; copied.</param>
    /// <exception cref="ArgumentException">The pairs do not meet these conditions.</exception>
    public FixedEigenpairs(RitzPairs pairs)
    {
        using var scope = NewDisposeScope();
        pairs.Checked();
        if (pairs.Values.size(0) != 1 || !pairs.Known.all().ToBoolean())
            throw new ArgumentException($"Fixed eigenpairs must be those of a batch of one, all of them known; given: " +
                $"{pairs.Values.DescribeSizes()}, {pairs.Known.sum().ToInt64()} known.", nameof(pairs));
        (values, vectors, residuals) = (new ConstantTensor(pairs.Values), new ConstantTensor(pairs.Vectors),
            new ConstantTensor(pairs.Residuals));
    }

    [Saved]
    private FixedEigenpairs(Tensor values, Tensor vectors, Tensor residuals)
        : this(new RitzPairs(values, vectors, residuals, ones(values.Sizes(), dtype: ScalarType.Bool, device: values.device)))
    {
    }

    /// <inheritdoc/>
    public string Name => $"{Count} fixed eigenpairs";

    /// <summary>The eigenvalues, <c>[1, r]</c>; they belong to this object.</summary>
    public Tensor Values => values.Value;

    /// <summary>The vectors, orthonormal, <c>[1, r, m]</c>; they belong to this object.</summary>
    public Tensor Vectors => vectors.Value;

    private Tensor Residuals => residuals.Value;

    /// <summary>r, the number of pairs.</summary>
    public int Count => (int)values.Value.size(1);

    /// <summary>Gives the first of the pairs.</summary>
    /// <param name="pairs">The number of pairs, at most <see cref="Count"/>.</param>
    /// <exception cref="ArgumentException">There are fewer pairs.</exception>
    public FixedEigenpairs Leading(int pairs)
    {
        if (pairs < 1 || pairs > Count)
            throw new ArgumentOutOfRangeException(nameof(pairs), pairs, $"There are {Count} fixed eigenpairs; {pairs} are asked for.");
        using var scope = NewDisposeScope();
        return new(new RitzPairs(values.Value.narrow(1, 0, pairs), vectors.Value.narrow(1, 0, pairs), residuals.Value.narrow(1, 0, pairs),
            ones([1, pairs], dtype: ScalarType.Bool, device: values.Value.device)));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The dimensions of the pairs and of the control vector differ.</exception>
    public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        var b = cost.RightSide.Values;
        if (b.size(-1) != vectors.Value.size(-1))
            throw new ArgumentException($"The fixed eigenpairs are of dimension {vectors.Value.size(-1)}; " +
                $"the control vector has {b.size(-1)} components.");
        return new(values.Like(b).alias(), vectors.Like(b).alias(), residuals.Like(b).alias(),
            ones(values.Value.Sizes(), dtype: ScalarType.Bool, device: b.device));
    }
}

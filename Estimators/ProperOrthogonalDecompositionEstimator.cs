using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Learns the leading modes of a field by a singular value decomposition of the training data and gives a transformer
/// that adds the field's coefficients (proper orthogonal decomposition: Lorenz 1956; von Storch and Zwiers 1999,
/// chapter 13).
/// </summary>
public sealed class ProperOrthogonalDecompositionEstimator : IEstimator<ProperOrthogonalDecompositionTransformer>
{
    private readonly Column field;
    private readonly Column coefficients;
    private readonly ModeSelection selection;
    private readonly Tensor? weights;

    /// <summary>Creates the estimator.</summary>
    /// <param name="field">The column that is decomposed, <c>[n]</c>.</param>
    /// <param name="coefficients">The column the transformer adds, <c>[r]</c>.</param>
    /// <param name="selection">How many modes are kept.</param>
    /// <param name="weights">The inner product's weights, <c>[n]</c>, above zero: the area each grid point stands for; null = all 1. They are copied.</param>
    /// <exception cref="ArgumentException">A selection out of range, or weights that are not a vector of finite numbers above zero.</exception>
    public ProperOrthogonalDecompositionEstimator(Column field, Column coefficients, ModeSelection selection, Tensor? weights = null)
    {
        (this.field, this.coefficients, this.selection) = (field, coefficients, selection);
        long modes = ColumnDefinition.AnySize, size = ColumnDefinition.AnySize;
        if (selection is ModeSelection.Count count) modes = Require.AtLeast(count.Modes, 1);
        if (selection is ModeSelection.Variance { Fraction: not (> 0 and <= 1) and var fraction })
            throw new ArgumentOutOfRangeException(nameof(selection), fraction, $"The fraction of variance must be above 0 and at most 1; given: {fraction}.");
        if (weights is not null)
        {
            Require.Shape(weights, "The weights", ColumnDefinition.AnySize);
            this.weights = ProperOrthogonalDecomposition.CheckWeights(weights).to_type(ScalarType.Float64, copy: true).DetachFromDisposeScope();
            size = weights.size(0);
        }
        Contract = new SchemaContract([new(field, size)], [new(coefficients, modes)]);
    }

    /// <inheritdoc/>
    public string Name => "proper orthogonal decomposition";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view never ends, a value is missing or not finite, or there are fewer samples or grid points than modes.</exception>
    public ProperOrthogonalDecompositionTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var x = TrainingData.Gather(data, field, Name, cancellation).Values.flatten(0, 1); // [samples, n]
        long samples = x.size(0), n = x.size(1);
        var area = weights?.to(x.device) ?? ones(n, dtype: x.dtype, device: x.device);
        var mean = x.mean([0]);
        var anomaly = x - mean;

        // (X - m) A^1/2 = U S V^T; the modes are B = A^-1/2 V, their variances S^2 / samples.
        var (_, s, vt) = linalg.svd(anomaly * area.sqrt(), fullMatrices: false);
        var variances = s.square() / samples;
        long r = Count(variances, Math.Min(samples, n), cancellation);
        var v = vt[..(int)r].mT;
        var largest = v.gather(0, v.abs().argmax(0, keepdim: true));
        var modes = v * largest.sign() / area.sqrt().unsqueeze(1);
        var residual = anomaly - matmul(matmul(anomaly * area, modes), modes.mT);
        return new ProperOrthogonalDecompositionTransformer(
            new ProperOrthogonalDecomposition(mean, modes, area, variances[..(int)r], residual.square().mean([0])), field, coefficients);
    }

    private long Count(Tensor variances, long most, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        double total = variances.sum().ToDouble();
        if (!(total > 0)) throw new ArgumentException($"{Name}: the column '{field}' does not vary in the training data.");
        if (selection is ModeSelection.Count(var count))
            return count <= most ? count : throw new ArgumentException($"{Name}: {count} modes were asked for, and the training data have at most {most} (the smaller of samples and grid points).");
        // A sum of fractions may end just below 1 by rounding, so the search stops at the last mode at the latest.
        double wanted = ((ModeSelection.Variance)selection).Fraction;
        long below = variances.cumsum(0).lt(wanted * total).sum().ToInt64();
        return Math.Min(below + 1, most);
    }
}

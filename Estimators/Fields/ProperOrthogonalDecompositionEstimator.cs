using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Learns the leading modes of a field and gives a transformer that adds the field's coefficients (proper orthogonal
/// decomposition: Lorenz 1956; von Storch and Zwiers 1999, chapter 13). With the anomalies Y = (X - m) A^1/2 of the
/// training data and their singular values Y = U S V^T, the modes are B = A^-1/2 V and their variances S^2 / samples.
/// </summary>
public sealed class ProperOrthogonalDecompositionEstimator : IEstimator<ProperOrthogonalDecompositionTransformer>
{
    private readonly Column field;
    private readonly Column coefficients;
    private readonly ModeSelection selection;
    private readonly Tensor? weights;
    private readonly ModeFactorisation.Streaming? streaming;
    private readonly DataAssimilationContext? context;

    /// <summary>Creates an estimator that holds the training data in memory and decomposes them directly.</summary>
    /// <param name="field">The column that is decomposed, <c>[n]</c>.</param>
    /// <param name="coefficients">The column that the transformer adds, <c>[r]</c>.</param>
    /// <param name="selection">The selection of the modes.</param>
    /// <param name="weights">The inner product's weights, <c>[n]</c>, above zero: the area that each grid point represents (default:
    /// null, all 1). They are copied.</param>
    /// <exception cref="ArgumentException">The selection is out of range, or the weights are not a vector of finite numbers above
    /// zero.</exception>
    public ProperOrthogonalDecompositionEstimator(Column field, Column coefficients, ModeSelection selection, Tensor? weights = null)
    {
        (this.field, this.coefficients, this.selection) = (field, coefficients, selection);
        long modes = ColumnDefinition.AnySize, size = ColumnDefinition.AnySize;
        if (selection is ModeSelection.Count count) modes = Require.AtLeast(count.Modes, 1);
        if (selection is ModeSelection.Variance { Fraction: not (> 0 and <= 1) and var fraction })
            throw new ArgumentOutOfRangeException(nameof(selection), fraction,
                $"The fraction of variance must be above 0 and at most 1; given: {fraction}.");
        if (weights is not null)
        {
            Require.Shape(weights, "The weights", ColumnDefinition.AnySize);
            this.weights = ProperOrthogonalDecomposition.CheckWeights(weights).to_type(ScalarType.Float64, copy: true)
                .DetachFromDisposeScope();
            size = weights.size(0);
        }
        Contract = new SchemaContract([new(field, size)], [new(coefficients, modes)]);
    }

    /// <summary>Creates an estimator with a given factorisation.</summary>
    /// <param name="context">The context whose seed gives the random numbers of a factorisation that needs them, and which receives the
    /// progress of its passes.</param>
    /// <param name="field">The column that is decomposed, <c>[n]</c>.</param>
    /// <param name="coefficients">The column that the transformer adds, <c>[r]</c>.</param>
    /// <param name="selection">The selection of the modes.</param>
    /// <param name="factorisation">The computation of the modes.</param>
    /// <param name="weights">The inner product's weights, <c>[n]</c>, above zero: the area that each grid point represents (default:
    /// null, all 1). They are copied.</param>
    /// <exception cref="ArgumentException">The selection or factorisation is out of range, or the weights are not a vector of finite
    /// numbers above zero.</exception>
    public ProperOrthogonalDecompositionEstimator(DataAssimilationContext context, Column field, Column coefficients,
        ModeSelection selection, ModeFactorisation factorisation, Tensor? weights = null) : this(field, coefficients, selection, weights)
    {
        this.context = context;
        streaming = factorisation as ModeFactorisation.Streaming;
        if (streaming is null) return;
        Require.AtLeast(streaming.Oversampling, 1);
        Require.Positive(streaming.Tolerance);
        Require.AtLeast(streaming.MaximumPasses, 1);
        Require.AtLeast(streaming.MaximumModes, 1);
        Require.AtLeast(streaming.SamplesPerChunk, 1);
    }

    /// <inheritdoc/>
    public string Name => "proper orthogonal decomposition";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// The view never ends, a value is missing or non-finite, the field does not vary or varies in fewer directions than the requested
    /// modes, or a streaming factorisation did not reach its tolerance or the fraction of variance.
    /// </exception>
    public ProperOrthogonalDecompositionTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (mean, area, v, variances, truncation) = streaming is null ? Decompose(data, cancellation)
            : new StreamingModes(context!, data, field, selection, streaming, weights, Name, cancellation).Find();
        var largest = v.gather(0, v.abs().argmax(0, keepdim: true));
        var modes = v * largest.sign() / area.sqrt().unsqueeze(1);
        return new ProperOrthogonalDecompositionTransformer(
            new ProperOrthogonalDecomposition(mean, modes, area, variances, truncation), field, coefficients);
    }

    private LeadingModes Decompose(ITrajectoryView data, CancellationToken cancellation)
    {
        var x = TrainingData.Gather(data, field, Name, cancellation).Values.flatten(0, 1); // [samples, n]
        long samples = x.size(0), n = x.size(1), most = Math.Min(samples, n);
        if (selection is ModeSelection.Count(var asked) && asked > most)
            throw LeadingModes.TooMany(asked, most, Name);
        var area = weights?.to(x.device) ?? ones(n, dtype: x.dtype, device: x.device);
        var mean = x[0] + (x - x[0]).mean([0]);   // exact for a constant component
        var y = (x - mean) * area.sqrt();
        var (_, s, vt) = linalg.svd(y, fullMatrices: false);
        cancellation.ThrowIfCancellationRequested();
        var variances = s.square() / samples;
        double[] all = variances.ToArray<double>();
        double total = all.Sum();
        // The rank is counted as LAPACK's users and NumPy's matrix_rank do.
        double roundOff = LeadingModes.RoundOff(mean, area), relative = Math.Max(samples, n) * LeadingModes.Epsilon;
        LeadingModes.RequireVariance(total, roundOff, Name, field);
        int rank = all.Count(variance => variance > Math.Max(relative * relative * all[0], roundOff));
        int r = LeadingModes.RequireRank(LeadingModes.Count(selection, all, total, rank) ?? rank, rank, Name);
        var v = vt[..r].mT;
        var truncation = (y - matmul(matmul(y, v), v.mT)).square().mean([0]) / area;
        return new LeadingModes(mean, area, v, variances[..r], truncation);
    }
}

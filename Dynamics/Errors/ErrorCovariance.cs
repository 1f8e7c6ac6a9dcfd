using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Error covariances R in the form that suits them: a variance times the identity, a diagonal, a full matrix, blocks, a diffusion, a
/// hybrid with an ensemble. All may be singular.
/// </summary>
public abstract class ErrorCovariance : IErrorCovariance
{
    private protected ErrorCovariance(long dimension) => Dimension = Require.AtLeast(dimension, 1);

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <inheritdoc/>
    public abstract double LogDeterminant { get; }

    /// <inheritdoc/>
    public abstract string? Singularity { get; }

    /// <summary>R = variance I.</summary>
    /// <param name="dimension">p.</param>
    /// <param name="variance">The variance (not the standard deviation) of every component, zero or above.</param>
    /// <exception cref="ArgumentOutOfRangeException">The variance is not a finite number, zero or above.</exception>
    public static ScalarErrorCovariance Scalar(long dimension, double variance) => new(dimension, variance);

    /// <summary>R = diag(variances).</summary>
    /// <param name="variances">The variances, <c>[p]</c>, each zero or above; copied.</param>
    /// <exception cref="ArgumentException">A variance is not a finite number, zero or above.</exception>
    public static DiagonalErrorCovariance Diagonal(Tensor variances) => new(variances);

    /// <summary>R = diag(variances).</summary>
    /// <param name="variances">The p variances, each zero or above.</param>
    /// <exception cref="ArgumentException">A variance is not a finite number, zero or above.</exception>
    public static DiagonalErrorCovariance Diagonal(params double[] variances)
    {
        using var values = tensor(variances);
        return new DiagonalErrorCovariance(values);
    }

    /// <summary>A full matrix R.</summary>
    /// <param name="matrix"><c>[p, p]</c>, symmetric and positive semidefinite; copied.</param>
    /// <exception cref="ArgumentException">The matrix is not square, not finite, not symmetric or not positive semidefinite.</exception>
    public static FullErrorCovariance Full(Tensor matrix) => new(matrix);

    /// <summary>Independent errors of the parts of a vector: a block-diagonal R.</summary>
    /// <param name="blocks">The covariances of the parts, in the order of the vector; at least one.</param>
    /// <exception cref="ArgumentException">There are no blocks.</exception>
    public static BlockErrorCovariance Blocks(params IReadOnlyList<IErrorCovariance> blocks) => new(blocks);

    /// <summary>Errors of one field on a rectangular grid, correlated by implicit diffusion.</summary>
    /// <param name="options">Grid, boundaries, correlation length and variance.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public static DiffusionErrorCovariance Diffusion(DiffusionOptions options) => new(options);

    /// <summary>A hybrid of a static covariance and an ensemble's, (1 - w) B_s + w X X^T / (N - 1).</summary>
    /// <param name="members">The ensemble, <c>[N, n]</c>, at least 2 members; its mean is removed.</param>
    /// <param name="background">B_s, of dimension n.</param>
    /// <param name="weight">w, above 0, at most 1. If it is 1, the covariance is the ensemble's alone.</param>
    /// <exception cref="ArgumentException">Shapes differ, a value is not finite, or the weight is out of range.</exception>
    public static HybridErrorCovariance Hybrid(Tensor members, IErrorCovariance background, double weight) =>
        HybridErrorCovariance.Of(members, background, weight);

    /// <inheritdoc/>
    public abstract Tensor ToMatrix(ScalarType dtype, Device device);

    /// <inheritdoc/>
    public Tensor ApplyInverse(Tensor vector, Tensor? mask = null) => InScope(vector, mask, Whole().Inverse);

    /// <inheritdoc/>
    public Tensor Whiten(Tensor vector, Tensor? mask = null) => InScope(vector, mask, Whole().InverseFactor);

    /// <inheritdoc/>
    public Tensor Colour(Tensor white) => InScope(white, null, (vector, _) => Factor(vector));

    /// <inheritdoc/>
    public Tensor ColourAdjoint(Tensor vector) => InScope(vector, null, (v, _) => FactorAdjoint(v));

    /// <summary>
    /// Whether R is diagonal. If so, a call without a mask makes no tensor beside its result and needs no dispose scope, which costs as
    /// much as a small operator.
    /// </summary>
    private protected virtual bool IsDiagonal => false;

    /// <summary>R^-1 v.</summary>
    private protected abstract Tensor Inverse(Tensor vector, Tensor? mask);

    /// <summary>L^-1 v.</summary>
    private protected abstract Tensor InverseFactor(Tensor vector, Tensor? mask);

    /// <summary>L v.</summary>
    private protected abstract Tensor Factor(Tensor white);

    /// <summary>L^T v (default: L v, right for a diagonal L).</summary>
    private protected virtual Tensor FactorAdjoint(Tensor vector) => Factor(vector);

    /// <summary>
    /// The vector with zeros where the mask says missing; the mask <c>[batch, p]</c> applies to all dimensions in between.
    /// </summary>
    private protected static Tensor Masked(Tensor vector, Tensor? mask) =>
        mask is null ? vector : vector.masked_fill(Between(mask, vector.ndim).logical_not(), 0);

    // [batch, p] as [batch, 1, ..., 1, p]
    private static Tensor Between(Tensor mask, long ndim)
    {
        while (mask.ndim < ndim) mask = mask.unsqueeze(1);
        return mask;
    }

    private ErrorCovariance Whole() => Singularity is not { } why ? this
        : throw new NotSupportedException($"This error covariance has no inverse: {why}");

    private Tensor InScope(Tensor vector, Tensor? mask, Func<Tensor, Tensor?, Tensor> compute)
    {
        Require.LastDimension(vector, Dimension, "The vector an error covariance is applied to");
        if (mask is not null)
        {
            if (mask.dtype != ScalarType.Bool)
                throw new ArgumentException($"An observation mask must be boolean, true = observed; given: {mask.dtype}.", nameof(mask));
            if (vector.ndim < 2)
                throw new ArgumentException(
                    $"A vector with a mask must be [batch, ..., {Dimension}]; given: {vector.DescribeSizes()}.",
                    nameof(vector));
            Require.Shape(mask, $"The mask of a vector {vector.DescribeSizes()}", vector.size(0), Dimension);
        }
        if (IsDiagonal && mask is null) return compute(vector, mask);
        using var scope = NewDisposeScope();
        return compute(vector, mask).MoveToOuterDisposeScope();
    }
}

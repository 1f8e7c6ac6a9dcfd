using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The leading modes of a field: x = m + B c + truncation error, where c = B^T A (x - m) and B^T A B = I for area
/// weights A = diag(a) (proper orthogonal decomposition, or empirical orthogonal functions: Lorenz 1956; von Storch and
/// Zwiers 1999, chapter 13).
/// </summary>
[Component("proper-orthogonal-decomposition")]
public sealed class ProperOrthogonalDecomposition
{
    private readonly Tensor projector;

    /// <summary>Creates a decomposition.</summary>
    /// <param name="mean">m, <c>[n]</c>.</param>
    /// <param name="modes">B, <c>[n, r]</c>, orthonormal in the weights.</param>
    /// <param name="weights">a, <c>[n]</c>, above zero.</param>
    /// <param name="variances">The variance of each coefficient in the training data, <c>[r]</c>.</param>
    /// <param name="truncationVariance">The mean square of the truncation error at each point in the training data, <c>[n]</c>.</param>
    /// <exception cref="ArgumentException">The shapes do not match, values are non-finite, or the modes are not orthonormal.</exception>
    public ProperOrthogonalDecomposition(Tensor mean, Tensor modes, Tensor weights, Tensor variances, Tensor truncationVariance)
    {
        Require.Finite(Require.Shape(modes, "The modes", ColumnDefinition.AnySize, ColumnDefinition.AnySize), "The modes");
        (Dimension, ModeCount) = (modes.size(0), modes.size(1));
        Mean = Own(mean, "The mean", Dimension);
        Modes = Own(modes, "The modes", Dimension, ModeCount);
        Weights = Own(CheckWeights(weights), "The weights", Dimension);
        Variances = Own(variances, "The variances", ModeCount);
        TruncationVariance = Own(truncationVariance, "The truncation variance", Dimension);
        using var scope = NewDisposeScope();
        projector = (Modes * Weights.unsqueeze(1)).DetachFromDisposeScope();
        double defect = (matmul(Modes.mT, projector) - eye(ModeCount, dtype: modes.dtype, device: modes.device)).abs().max().ToDouble();
        if (defect > (modes.dtype == ScalarType.Float64 ? 1e-8 : 1e-3))
            throw new ArgumentException(
                $"The modes must be orthonormal with respect to the weights; their products differ from the identity by up to {defect:g3}.",
                nameof(modes));
    }

    /// <summary>The number of grid points n.</summary>
    public long Dimension { get; }

    /// <summary>The number of modes r.</summary>
    public long ModeCount { get; }

    /// <summary>m, <c>[n]</c>.</summary>
    public Tensor Mean { get; }

    /// <summary>B, <c>[n, r]</c>, leading mode first, each with the sign that makes its largest component positive.</summary>
    public Tensor Modes { get; }

    /// <summary>a, <c>[n]</c>.</summary>
    public Tensor Weights { get; }

    /// <summary>The variance of each coefficient in the training data, <c>[r]</c>.</summary>
    public Tensor Variances { get; }

    /// <summary>The mean square of the truncation error at each point in the training data, <c>[n]</c>.</summary>
    public Tensor TruncationVariance { get; }

    /// <summary>The fraction of the training data's weighted variance that the modes hold.</summary>
    public double VarianceFraction
    {
        get
        {
            using var scope = NewDisposeScope();
            double held = Variances.sum().ToDouble();
            return held / (held + (Weights * TruncationVariance).sum().ToDouble());
        }
    }

    /// <summary>
    /// The fractions of the training data that the first 1, 2, ... r modes hold and leave out: the error of a reconstruction as a
    /// function of the number of modes.
    /// </summary>
    public IReadOnlyList<ReconstructionError> ReconstructionErrors
    {
        get
        {
            using var scope = NewDisposeScope();
            double[] variances = Variances.to_type(ScalarType.Float64).ToArray<double>();
            double left = (Weights * TruncationVariance).sum().ToDouble(), total = left + variances.Sum(), area = Weights.sum().ToDouble();
            var errors = new ReconstructionError[variances.Length];
            for (int k = variances.Length - 1; k >= 0; left += variances[k--])   // from the small to the large, so that nothing cancels
                errors[k] = new ReconstructionError(k + 1, 1 - left / total, left / total, Math.Sqrt(left / area));
            return errors;
        }
    }

    /// <summary>Computes c = B^T A (x - m).</summary>
    /// <param name="field">x, <c>[..., n]</c></param>
    /// <returns><c>[..., r]</c></returns>
    /// <exception cref="ArgumentException">The field has another number of points, so it is on another grid.</exception>
    public Tensor Project(Tensor field)
    {
        if (field.ndim > 0 && field.size(-1) != Dimension)
            throw new ArgumentException($"The field has {field.size(-1)} points; the decomposition was learned on a grid of " +
                $"{Dimension}. Interpolate the field to that grid, or learn a decomposition on the field's grid.",
                nameof(field));
        Require.LastDimension(field, Dimension, "The field to decompose");
        using var scope = NewDisposeScope();
        return matmul(field - Like(Mean, field), Like(projector, field)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes m + B c.</summary>
    /// <param name="coefficients">c, <c>[..., r]</c></param>
    /// <returns><c>[..., n]</c></returns>
    /// <exception cref="ArgumentException">The numbers of coefficients and modes differ.</exception>
    public Tensor Reconstruct(Tensor coefficients)
    {
        Require.LastDimension(coefficients, ModeCount, "The coefficients to reconstruct a field of");
        using var scope = NewDisposeScope();
        return (matmul(coefficients, Like(Modes, coefficients).mT) + Like(Mean, coefficients)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes the covariance of the part of the observations that the modes do not represent, H(x) - H(m + B c), over the cycles of a
    /// view, about zero. Added to the instruments' errors it is the R of a filter on the coefficients (the error of representation,
    /// Janjic et al. 2018).
    /// </summary>
    /// <param name="data">The training data.</param>
    /// <param name="field">The column of x, <c>[n]</c>.</param>
    /// <param name="observationOperator">H on the whole field.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <returns><c>[p, p]</c>, positive semidefinite.</returns>
    public Tensor TruncationErrorCovariance(ITrajectoryView data, Column field, IObservationOperator observationOperator,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        long samples = 0;
        var sum = zeros([observationOperator.ObservationDimension, observationOperator.ObservationDimension], dtype: ScalarType.Float64,
            device: Modes.device);
        TrainingData.Read(data, field, "truncation error", cancellation, (_, x) =>
        {
            var error = observationOperator.Apply(x) - observationOperator.Apply(Reconstruct(Project(x)));
            sum.add_(matmul(error.mT, error));
            samples += x.size(0);
        });
        return (sum / samples).MoveToOuterDisposeScope();
    }

    internal static Tensor CheckWeights(Tensor weights)
    {
        using var scope = NewDisposeScope();
        Require.Finite(weights, "The weights");
        return weights.min().ToDouble() > 0 ? weights
            : throw new ArgumentException($"The weights must be above zero; the smallest given is {weights.min().ToDouble():g4}.",
                nameof(weights));
    }

    private static Tensor Own(Tensor value, string what, params long[] shape) =>
        Require.Finite(Require.Shape(value, what, shape), what).detach().clone().contiguous().DetachFromDisposeScope();

    private static Tensor Like(Tensor constant, Tensor other) => constant.to(other.dtype, other.device);
}

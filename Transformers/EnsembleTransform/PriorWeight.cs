using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The origin of an ensemble transform's prior weight zeta: a given number, or a value that each analysis finds.</summary>
internal abstract class PriorWeight
{
    /// <summary>Whether the transform depends on zeta alone; otherwise the transform itself differs.</summary>
    public virtual bool IsNumber => true;

    /// <summary>zeta if it is the same in every analysis.</summary>
    public virtual double? Given => null;

    /// <summary>Finds zeta of one trajectory.</summary>
    /// <param name="eigenvalues">The eigenvalues of Y Y^T that may differ from zero.</param>
    /// <param name="squaredProjections">(v_i^T Y d)^2 along its eigenvectors.</param>
    public abstract double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections);

    /// <summary>As <see cref="Of(ReadOnlySpan{double}, ReadOnlySpan{double})"/>, and NaN where a number is not finite.</summary>
    public double OfFinite(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections)
    {
        foreach (double number in eigenvalues)
            if (!double.IsFinite(number)) return double.NaN;
        foreach (double number in squaredProjections)
            if (!double.IsFinite(number)) return double.NaN;
        return Of(eigenvalues, squaredProjections);
    }

    /// <summary>
    /// Gives the transform to apply and zeta of all trajectories, a number or <c>[batch, 1]</c>, in the dispose scope of the caller.
    /// </summary>
    public abstract (EnsembleTransform Transform, Tensor Zeta) Of(EnsembleTransform transform);

    /// <summary>The same weight in every analysis.</summary>
    public static PriorWeight Fixed(double zeta) => new FixedWeight(zeta);

    /// <summary>The minimiser of the cost function of the finite-size filter.</summary>
    public static PriorWeight FiniteSize(FiniteSizePrior prior, long members, FiniteSizeForm form) =>
        new FiniteSizeWeight(prior, members, form);

    private sealed class FixedWeight(double zeta) : PriorWeight
    {
        public override double? Given => zeta;

        public override double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections) => zeta;

        public override (EnsembleTransform Transform, Tensor Zeta) Of(EnsembleTransform transform) =>
            (transform, tensor(zeta, dtype: transform.Eigenvalues.dtype, device: transform.Eigenvalues.device));
    }

    private sealed class FiniteSizeWeight(FiniteSizePrior prior, long members, FiniteSizeForm form) : PriorWeight
    {
        public override bool IsNumber => form != FiniteSizeForm.PrimalExactHessian;

        public override double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections)
        {
            var (epsilon, nu) = prior.Coefficients(eigenvalues, members);
            return form == FiniteSizeForm.Dual
                ? FiniteSizeDual.Minimise(eigenvalues, squaredProjections, epsilon, nu)
                : FiniteSizePrimal.Minimise(new double[eigenvalues.Length], eigenvalues, squaredProjections, epsilon, nu);
        }

        // Cost functions of few variables per trajectory are minimised on the CPU, for one transfer of 2 N numbers per trajectory.
        public override (EnsembleTransform Transform, Tensor Zeta) Of(EnsembleTransform transform)
        {
            using var scope = NewDisposeScope();
            var eigenvalues = transform.Eigenvalues;
            int batch = (int)eigenvalues.size(0), rank = (int)eigenvalues.size(1);
            double[] values = stack([eigenvalues, transform.SquaredProjections]).to(ScalarType.Float64, CPU).ToArray<double>();
            double[] zeta = new double[batch], coefficient = new double[batch];
            SharedWork.ForEach(batch, 100.0 * FiniteSizeDual.GridPoints * rank * SharedWork.Operation, (first, end) =>
            {
                for (int b = (int)first; b < end; b++)
                {
                    var lambda = values.AsSpan(b * rank, rank);
                    zeta[b] = Of(lambda, values.AsSpan((batch + b) * rank, rank));
                    coefficient[b] = 2 * zeta[b] * zeta[b] / prior.Coefficients(lambda, members).Nu;
                }
            });
            var number = tensor(zeta, batch, 1).to(eigenvalues.dtype, eigenvalues.device).MoveToOuterDisposeScope();
            return (IsNumber ? transform
                : transform.WithRankOneTerm(number, tensor(coefficient, batch, 1).to(eigenvalues.dtype, eigenvalues.device))
                    .MoveToOuterDisposeScope(), number);
        }
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>How an ensemble transform comes to the prior's weight zeta: a number that is given, or one that each analysis finds.</summary>
internal abstract class PriorWeight
{
    /// <summary>zeta of one trajectory.</summary>
    /// <param name="eigenvalues">Those of Y Y^T that need not be zero.</param>
    /// <param name="squaredProjections">(v_i^T Y d)^2 along its eigenvectors.</param>
    public abstract double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections);

    /// <summary>zeta of all trajectories, a number or <c>[batch, 1]</c>, in the dispose scope of the caller.</summary>
    public abstract Tensor Of(EnsembleTransform transform);

    /// <summary>The same in every analysis.</summary>
    public static PriorWeight Fixed(double zeta) => new FixedWeight(zeta);

    /// <summary>The minimiser of the dual cost function of the finite-size filter.</summary>
    public static PriorWeight FiniteSize(FiniteSizePrior prior, long members) => new FiniteSizeWeight(prior, members);

    private sealed class FixedWeight(double zeta) : PriorWeight
    {
        public override double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections) => zeta;
        public override Tensor Of(EnsembleTransform transform) => tensor(zeta, dtype: transform.Eigenvalues.dtype, device: transform.Eigenvalues.device);
    }

    private sealed class FiniteSizeWeight(FiniteSizePrior prior, long members) : PriorWeight
    {
        public override double Of(ReadOnlySpan<double> eigenvalues, ReadOnlySpan<double> squaredProjections)
        {
            var (epsilon, nu) = prior.Coefficients(eigenvalues, members);
            return FiniteSizeDual.Minimise(eigenvalues, squaredProjections, epsilon, nu);
        }

        public override Tensor Of(EnsembleTransform transform) => FiniteSizeEnsembleKalmanFilterAnalyzer.PriorWeight(transform, members, prior);
    }
}

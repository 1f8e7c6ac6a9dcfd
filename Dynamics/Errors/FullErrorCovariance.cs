using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A full error covariance matrix R = L L^T: L is its Cholesky factor or, if R is singular, a root from its eigenvectors.
/// </summary>
[Component("full-error-covariance")]
public sealed class FullErrorCovariance : ErrorCovariance
{
    private readonly ConstantTensor matrix;
    private readonly ConstantTensor factor;

    internal FullErrorCovariance(Tensor matrix) : base(Check(matrix))
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var doubles = matrix.to_type(ScalarType.Float64);
        var (lower, failed) = linalg.cholesky_ex(doubles);
        Singularity = Singular(doubles, lower, failed.ToInt32(), matrix.dtype);
        if (Singularity is not null) lower = CovarianceRoot.Eigen(doubles, CovarianceRoot.Tolerance(matrix.dtype)).mT;
        this.matrix = new ConstantTensor(matrix);
        factor = new ConstantTensor(lower.to_type(matrix.dtype));
        LogDeterminant = Singularity is null ? 2 * lower.diagonal().log().sum().ToDouble() : double.NegativeInfinity;
    }

    /// <summary>R, <c>[p, p]</c>; it belongs to the covariance.</summary>
    public Tensor Matrix => matrix.Value;

    /// <inheritdoc/>
    public override string? Singularity { get; }

    /// <inheritdoc/>
    public override double LogDeterminant { get; }

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device) => matrix.On(dtype, device).clone();

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) =>
        Columns(vector, mask, (lower, columns) => columns.cholesky_solve(lower));

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) =>
        Columns(vector, mask, (lower, columns) => linalg.solve_triangular(lower, columns, upper: false));

    private protected override Tensor Factor(Tensor white) => matmul(white, factor.Like(white).mT);

    private protected override Tensor FactorAdjoint(Tensor vector) => matmul(vector, factor.Like(vector));

    // Solves with L for vectors [..., p] as columns. With a mask, R becomes M R M + (I - M): this is exact on the components that exist,
    // and the zeros of the others stay zero.
    private Tensor Columns(Tensor vector, Tensor? mask, Func<Tensor, Tensor, Tensor> solve)
    {
        long p = Dimension;
        if (mask is null) return solve(factor.Like(vector), vector.reshape(-1, p).mT).mT.reshape(vector.Sizes());
        var exists = mask.to_type(vector.dtype);
        var both = exists.unsqueeze(-1) * exists.unsqueeze(-2);
        var lower = linalg.cholesky(matrix.Like(vector) * both + (1 - exists).diag_embed());
        var columns = Masked(vector, mask).reshape(vector.size(0), -1, p).mT;
        return solve(lower, columns).mT.reshape(vector.Sizes());
    }

    // The squared pivot of a component is the part of its variance that the components before it do not explain; round-off leaves a share
    // of n epsilon.
    private static string? Singular(Tensor matrix, Tensor lower, int failed, ScalarType given)
    {
        long component = failed - 1;
        if (failed == 0)
        {
            var shares = lower.diagonal().square() / matrix.diagonal();
            double roundOff = 4 * matrix.size(0) * (given == ScalarType.Float64 ? 2.3e-16 : 1.2e-7);
            if (shares.min().ToDouble() > roundOff) return null;
            component = shares.argmin().ToInt64();
        }
        return matrix[component, component].ToDouble() == 0 ? $"the variance of component {component} (from 0) is zero."
            : $"the error of component {component} (from 0) is a linear combination of those before it.";
    }

    private static long Check(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        if (matrix.ndim != 2 || matrix.size(0) != matrix.size(1) || !matrix.is_floating_point())
            throw new ArgumentException(
                $"An error covariance must be a square matrix in single or double precision; given: " +
                    $"{matrix.DescribeSizes()}, {matrix.dtype}.", nameof(matrix));
        if (matrix.numel() == 0) return 0;
        Require.Finite(matrix, "An error covariance");
        double asymmetry = (matrix - matrix.mT).abs().max().ToDouble(), largest = matrix.abs().max().ToDouble();
        double tolerance = matrix.dtype == ScalarType.Float64 ? 1e-10 : 1e-5;
        if (asymmetry > tolerance * largest)
            throw new ArgumentException(
                $"An error covariance must be symmetric; the matrix given differs from its transpose by up to {asymmetry:g6} (largest " +
                    $"entry {largest:g6}).", nameof(matrix));
        return matrix.size(0);
    }
}

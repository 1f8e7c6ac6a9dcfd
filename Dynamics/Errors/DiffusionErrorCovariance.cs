using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Errors on a rectangular grid that are correlated by implicit diffusion (Weaver and Courtier 2001, Q. J. R. Meteorol. Soc. 127,
/// 1815-1846; Mirouze and Weaver 2010, 136, 1421-1443): B = N (I - l^2 Laplacian)^-M N, the Matern correlation of order M - 1 on a plane,
/// with a diagonal N that gives every point the requested variance, beside walls as well.
/// </summary>
/// <remarks>
/// On a rectangle the eigenvectors of the Laplacian are products of those of its two directions, so that every power of the operator is
/// exact: root, inverse and determinant are available, and the normalisation is not an estimate. A product takes four matrix products, 4
/// n (rows + columns) operations.
/// </remarks>
[Component("diffusion-error-covariance")]
public sealed class DiffusionErrorCovariance : MatrixFreeErrorCovariance
{
    private const double LargestCondition = 1e14;

    private readonly DiffusionModes alongX, alongY;
    private readonly ConstantTensor root, deviations;

    internal DiffusionErrorCovariance(DiffusionOptions options) : base((long)options.Checked().Rows * options.Columns)
    {
        Options = options;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        (alongX, alongY) = (new(options.Columns, options.BoundaryX), new(options.Rows, options.BoundaryY));
        var minusLaplacian = tensor(alongX.Eigenvalues) / (options.SpacingX * options.SpacingX)
            + tensor(alongY.Eigenvalues).unsqueeze(-1) / (options.SpacingY * options.SpacingY);
        var filter = (1 + options.SquaredScale * minusLaplacian).pow(-options.Steps);                     // [rows, columns]
        double condition = (filter.max() / filter.min()).ToDouble();
        var variances = options.Variances is { } each ? tensor(each) : full(Dimension, options.Variance, dtype: ScalarType.Float64);
        long[] zero = (variances == 0).nonzero().reshape(-1).ToArray<long>();
        Singularity = zero.Length > 0 ? $"the variance of point {zero[0]} (row by row, from 0) is zero."
            : condition < LargestCondition ? null
            : $"a diffusion over {options.CorrelationLength:g6} in {options.Steps} steps on points " +
                $"{options.SpacingX:g6} and {options.SpacingY:g6} apart has the condition number {condition:g3}; " +
                "fewer steps or a shorter length give it an inverse.";
        root = new ConstantTensor(filter.sqrt());
        // The diagonal of Q f Q^T, exactly.
        var diagonal = alongY.Basis.Value.square().matmul(filter).matmul(alongX.Basis.Value.square().mT);
        deviations = new ConstantTensor((variances / diagonal.flatten()).sqrt());
        LogDeterminant = Singularity is not null ? double.NegativeInfinity
            : 2 * deviations.Value.log().sum().ToDouble() + filter.log().sum().ToDouble();
    }

    /// <summary>The settings.</summary>
    public DiffusionOptions Options { get; }

    /// <inheritdoc/>
    public override string? Singularity { get; }

    /// <inheritdoc/>
    public override double LogDeterminant { get; }

    /// <summary>
    /// C v with the smoother C = (I - l^2 Laplacian)^(-M/2), symmetric and positive definite: B = N C C N, and L = N C.
    /// </summary>
    /// <param name="vector"><c>[..., n]</c>, row by row.</param>
    public Tensor Smooth(Tensor vector)
    {
        Require.LastDimension(vector, Dimension, "The field that is smoothed");
        using var scope = NewDisposeScope();
        return Filtered(vector, root.Like(vector)).MoveToOuterDisposeScope();
    }

    private protected override Tensor Factor(Tensor white) => deviations.Like(white) * Filtered(white, root.Like(white));

    private protected override Tensor FactorAdjoint(Tensor vector) => Filtered(deviations.Like(vector) * vector, root.Like(vector));

    private protected override Tensor InverseFactor(Tensor vector) => Filtered(vector / deviations.Like(vector), 1 / root.Like(vector));

    private protected override Tensor Inverse(Tensor vector) =>
        Filtered(vector / deviations.Like(vector), root.Like(vector).pow(-2)) / deviations.Like(vector);

    // Q f Q^T v
    private Tensor Filtered(Tensor vector, Tensor filter)
    {
        Tensor x = alongX.Basis.Like(vector), y = alongY.Basis.Like(vector);
        var field = vector.reshape([.. vector.Sizes()[..^1], Options.Rows, Options.Columns]);
        var modes = filter * y.mT.matmul(field).matmul(x);
        return y.matmul(modes).matmul(x.mT).flatten(-2);
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>R = diag(variances).</summary>
[Component("diagonal-error-covariance")]
public sealed class DiagonalErrorCovariance : ErrorCovariance
{
    private readonly ConstantTensor variances;
    private readonly ConstantTensor deviations;

    internal DiagonalErrorCovariance(Tensor variances) : base(Check(variances))
    {
        using var scope = NewDisposeScope();
        this.variances = new ConstantTensor(variances);
        deviations = new ConstantTensor(variances.sqrt());
        LogDeterminant = variances.to_type(ScalarType.Float64).log().sum().ToDouble();
        long[] zero = (variances == 0).nonzero().reshape(-1).ToArray<long>();
        Singularity = zero.Length == 0 ? null : $"the variance of component {zero[0]} (from 0) is zero" +
            (zero.Length == 1 ? "." : $", and of {zero.Length - 1} more of its {variances.size(0)}.");
    }

    /// <summary>The variances, <c>[p]</c>; they belong to the covariance.</summary>
    public Tensor Variances => variances.Value;

    /// <inheritdoc/>
    public override string? Singularity { get; }

    /// <inheritdoc/>
    public override double LogDeterminant { get; }

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device) => variances.On(dtype, device).diag();

    private protected override bool IsDiagonal => true;

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) => Masked(vector, mask) / variances.Like(vector);

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) => Masked(vector, mask) / deviations.Like(vector);

    private protected override Tensor Factor(Tensor white) => white * deviations.Like(white);

    private static long Check(Tensor variances)
    {
        using var scope = NewDisposeScope();
        if (variances.ndim != 1 || !variances.is_floating_point())
            throw new ArgumentException(
                $"The variances must be a vector in single or double precision; given: {variances.DescribeSizes()}, " +
                    $"{variances.dtype}.", nameof(variances));
        Require.Finite(variances, "The variances of an error covariance");
        if (variances.numel() > 0 && variances.min().ToDouble() is var smallest && !(smallest >= 0))
            throw new ArgumentException("An error covariance must be positive semidefinite: " +
                $"every variance must be zero or above; the smallest is {smallest:g6}.", nameof(variances));
        return variances.size(0);
    }
}

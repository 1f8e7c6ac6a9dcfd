using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>R = variance I.</summary>
[Component("scalar-error-covariance")]
public sealed class ScalarErrorCovariance : ErrorCovariance
{
    internal ScalarErrorCovariance(long dimension, double variance) : base(dimension) => Variance = Require.NotNegative(variance);

    /// <summary>The variance of every component.</summary>
    public double Variance { get; }

    /// <inheritdoc/>
    public override string? Singularity => Variance > 0 ? null : "the variance of every component is zero.";

    /// <inheritdoc/>
    public override double LogDeterminant => Dimension * Math.Log(Variance);

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device)
    {
        using var identity = eye(Dimension, dtype: dtype, device: device);
        return identity * Variance;
    }

    private protected override bool IsDiagonal => true;

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) =>
        IsUnit ? Masked(vector, mask).alias() : Masked(vector, mask) / Variance;

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) =>
        IsUnit ? Masked(vector, mask).alias() : Masked(vector, mask) / Math.Sqrt(Variance);

    private protected override Tensor Factor(Tensor white) => IsUnit ? white.alias() : white * Math.Sqrt(Variance);

    // Unit variances are usual in twin experiments, and an operator costs more than most of the work of a cycle.
    private bool IsUnit => Variance == 1;
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>R = variance I.</summary>
public sealed class ScalarErrorCovariance : ErrorCovariance, IComponent
{
    internal ScalarErrorCovariance(long dimension, double variance) : base(dimension) => Variance = Require.NotNegative(variance);

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("scalar-error-covariance", 1, reader =>
        new ScalarErrorCovariance(reader.Get<long>("dimension"), reader.Get<double>("variance")));

    ComponentType IComponent.ComponentType => Type;

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

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) => IsUnit ? Masked(vector, mask).alias() : Masked(vector, mask) / Variance;

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) => IsUnit ? Masked(vector, mask).alias() : Masked(vector, mask) / Math.Sqrt(Variance);

    private protected override Tensor Factor(Tensor white) => IsUnit ? white.alias() : white * Math.Sqrt(Variance);

    // Unit variances are the usual ones of twin experiments, and an operator costs more than most of what is done in a cycle.
    private bool IsUnit => Variance == 1;

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("dimension", Dimension);
        writer.Set("variance", Variance);
    }
}

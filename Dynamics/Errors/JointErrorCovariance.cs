using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The error covariance of a state and of parameters whose errors are independent of each other. A part without error has variance zero.
/// The covariance is then singular: it can be drawn from and added, but not inverted.
/// </summary>
[Component("joint-error-covariance")]
public sealed class JointErrorCovariance : ErrorCovariance
{
    private readonly long stateDimension;
    private readonly IErrorCovariance? state;
    private readonly double[] variances;
    private readonly ConstantTensor deviations;

    internal JointErrorCovariance(long stateDimension, IErrorCovariance? state, double[] variances)
        : base(stateDimension + variances.Length)
    {
        if (state is not null && state.Dimension != stateDimension)
            throw new ArgumentException(
                $"The error of a state of dimension {stateDimension} must have that dimension; given: {state.Dimension}.", nameof(state));
        foreach (double variance in variances) Require.NotNegative(variance, nameof(variances));
        (this.stateDimension, this.state, this.variances) = (stateDimension, state, variances);
        using var values = tensor(variances.Select(Math.Sqrt).ToArray());
        deviations = new ConstantTensor(values);
    }

    /// <inheritdoc/>
    public override string? Singularity => state is null ? "the state has no error. Give the model one."
        : Array.IndexOf(variances, 0) is >= 0 and var i ? $"parameter {i} (from 0), which persists, has no error. Let it walk at random."
        : state.Singularity is { } why ? $"in the state {why}" : null;

    /// <summary>ln det R; minus infinity if a part has no error.</summary>
    public override double LogDeterminant => (state?.LogDeterminant ?? double.NegativeInfinity) + variances.Sum(Math.Log);

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        var matrix = zeros(Dimension, Dimension, dtype: dtype, device: device);
        if (state is not null) matrix.narrow(0, 0, stateDimension).narrow(1, 0, stateDimension).copy_(state.ToMatrix(dtype, device));
        matrix.narrow(0, stateDimension, variances.Length).narrow(1, stateDimension, variances.Length)
            .copy_(deviations.On(dtype, device).square().diag());
        return matrix.MoveToOuterDisposeScope();
    }

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) =>
        Parts(vector, mask, state!.ApplyInverse, (part, here) => Masked(part, here) / deviations.Like(vector).square());

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) =>
        Parts(vector, mask, state!.Whiten, (part, here) => Masked(part, here) / deviations.Like(vector));

    private protected override Tensor Factor(Tensor white) =>
        Parts(white, null, (part, _) => state?.Colour(part) ?? zeros_like(part), (part, _) => part * deviations.Like(white));

    private protected override Tensor FactorAdjoint(Tensor vector) =>
        Parts(vector, null, (part, _) => state?.ColourAdjoint(part) ?? zeros_like(part), (part, _) => part * deviations.Like(vector));

    private Tensor Parts(Tensor vector, Tensor? mask, Func<Tensor, Tensor?, Tensor> ofState, Func<Tensor, Tensor?, Tensor> ofParameters) =>
        cat([
        ofState(vector.narrow(-1, 0, stateDimension), mask?.narrow(-1, 0, stateDimension)),
        ofParameters(vector.narrow(-1, stateDimension, variances.Length), mask?.narrow(-1, stateDimension, variances.Length))], -1);
}

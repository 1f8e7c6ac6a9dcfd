using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A hybrid of a static covariance and an ensemble's (Hamill and Snyder 2000, Mon. Weather Rev. 128, 2905-2919): B = (1 - w) B_s + w X
/// X^T / (N - 1) with the members' anomalies X. The ensemble is not localised, so an ensemble of few members needs a B_s with some
/// weight.
/// </summary>
/// <remarks>
/// With B_s = S S^T, and with the singular vectors q_i and singular values s_i of S^-1 X, scaled by the weights, B = (1 - w) S (I + sum
/// s_i^2 q_i q_i^T) S^T: root, inverse and determinant follow at the cost of those of B_s and 2 n N operations. If B_s is singular, or
/// the ensemble has the whole weight, there is no S^-1, and B is kept as a full matrix, n x n.
/// </remarks>
public sealed class HybridErrorCovariance : MatrixFreeErrorCovariance, IComponent
{
    private readonly ConstantTensor modes, inverseModes, squares;
    private readonly FullErrorCovariance? whole;

    private HybridErrorCovariance(IErrorCovariance background, double weight, Tensor modes, Tensor squares) : base(background.Dimension)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        (Static, Weight) = (background, weight);
        this.modes = new ConstantTensor(modes);                                                     // q_i, [k, n]
        inverseModes = new ConstantTensor(background.ApplyInverse(background.Colour(modes)));        // S^-T q_i, [k, n]
        this.squares = new ConstantTensor(squares);                                                 // s_i^2, [k]
        LogDeterminant = background.LogDeterminant + Dimension * Math.Log(1 - weight) + (1 + squares).log().sum().ToDouble();
    }

    private HybridErrorCovariance(IErrorCovariance background, double weight, FullErrorCovariance whole) : base(background.Dimension)
    {
        (Static, Weight, this.whole) = (background, weight, whole);
        using var none = zeros(0, Dimension, dtype: ScalarType.Float64);
        modes = inverseModes = squares = new ConstantTensor(none);
        (Singularity, LogDeterminant) = (whole.Singularity, whole.LogDeterminant);
    }

    internal static HybridErrorCovariance Of(Tensor members, IErrorCovariance background, double weight)
    {
        Require.Share(weight);
        Require.Shape(members, "The ensemble", ColumnDefinition.AnySize, background.Dimension);
        Require.AtLeast(members.size(0), 2, "members");
        Require.Finite(members, "The ensemble");
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var doubles = members.to_type(ScalarType.Float64);
        // Components that never vary have no variance, not even from round-off of the mean.
        var varies = (doubles != doubles[0]).any(0);
        var anomalies = Math.Sqrt(weight / (members.size(0) - 1)) * (doubles - doubles.mean([0], keepdim: true)).where(varies, 0);
        if (weight == 1 || background.Singularity is not null)
            return new(background, weight,
                Full((1 - weight) * background.ToMatrix(ScalarType.Float64, members.device) + anomalies.mT.matmul(anomalies)));
        anomalies = anomalies / Math.Sqrt(1 - weight);
        var (_, values, rows) = linalg.svd(background.Whiten(anomalies), fullMatrices: false);
        return new(background, weight, rows, values.square());
    }

    /// <summary>The way the component is written and read.</summary>
    public static ComponentType Type { get; } = new("hybrid-error-covariance", 1, reader =>
    {
        if (reader.OptionalPart<FullErrorCovariance>("whole") is { } whole)
            return new HybridErrorCovariance(reader.Part<IErrorCovariance>("static"), reader.Get<double>("weight"), whole);
        using Tensor modes = reader.Tensor("modes"), squares = reader.Tensor("squares");
        return new HybridErrorCovariance(reader.Part<IErrorCovariance>("static"), reader.Get<double>("weight"), modes, squares);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <summary>B_s</summary>
    public IErrorCovariance Static { get; }

    /// <summary>w, the weight of the ensemble's covariance.</summary>
    public double Weight { get; }

    /// <inheritdoc/>
    public override string? Singularity { get; }

    /// <inheritdoc/>
    public override double LogDeterminant { get; }

    private protected override Tensor Factor(Tensor white) => whole is not null ? whole.Colour(white) :
        Math.Sqrt(1 - Weight) * Static.Colour(white + Along(modes, (1 + squares.Like(white)).sqrt() - 1, white));

    private protected override Tensor FactorAdjoint(Tensor vector)
    {
        if (whole is not null) return whole.ColourAdjoint(vector);
        var back = Math.Sqrt(1 - Weight) * Static.ColourAdjoint(vector);
        return back + Along(modes, (1 + squares.Like(back)).sqrt() - 1, back);
    }

    private protected override Tensor InverseFactor(Tensor vector)
    {
        if (whole is not null) return whole.Whiten(vector);
        var white = Static.Whiten(vector) / Math.Sqrt(1 - Weight);
        return white + Along(modes, (1 + squares.Like(white)).rsqrt() - 1, white);
    }

    private protected override Tensor Inverse(Tensor vector)
    {
        if (whole is not null) return whole.ApplyInverse(vector);
        var known = squares.Like(vector);
        return (Static.ApplyInverse(vector) - Along(inverseModes, known / (1 + known), vector)) / (1 - Weight);
    }

    // sum of weight_i m_i m_i^T v
    private static Tensor Along(ConstantTensor modes, Tensor weights, Tensor vector)
    {
        var rows = modes.Like(vector);
        return (vector.matmul(rows.mT) * weights).matmul(rows);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("static", Static);
        writer.Set("weight", Weight);
        writer.OptionalPart("whole", whole);
        if (whole is not null) return;
        writer.Tensor("modes", modes.Value);
        writer.Tensor("squares", squares.Value);
    }
}

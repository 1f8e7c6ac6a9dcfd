using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Checks and conversions that both Krylov solvers share.</summary>
internal static class KrylovNumbers
{
    /// <summary>A tensor <c>[batch]</c> as numbers.</summary>
    public static double[] Of(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.to(ScalarType.Float64, CPU).ToArray<double>();
    }

    /// <summary>The Euclidean lengths of vectors <c>[batch, m]</c>.</summary>
    public static double[] Lengths(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        return Of(vectors.square().sum(-1).sqrt());
    }

    /// <summary>Checks that a right-hand side can be solved for.</summary>
    public static Tensor RightSide(QuadraticCost cost)
    {
        var b = Require.Shape(cost.RightSide.Values, "The right side of an inner loop", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Shape(cost.AtZero, "The cost at the beginning of an inner loop", b.size(0));
        if (!b.isfinite().all().ToBoolean())
            throw new ArithmeticException("The right side of an inner loop, minus the gradient of the cost, is not finite.");
        return b;
    }

    /// <summary>Checks a product of the Hessian or the preconditioner, which must have the shape of its vector.</summary>
    public static Tensor Product(ControlVector product, Tensor of, string who) =>
        Require.Shape(product.Values, $"The product of {who}", of.Sizes());

    /// <summary>Checks v^T A v or v^T P v of trajectories that continue, which must be above zero.</summary>
    public static double[] Positive(Tensor squares, bool[] active, string who)
    {
        double[] values = Of(squares);
        for (int i = 0; i < values.Length; i++)
            if (active[i] && !(values[i] > 0 && double.IsFinite(values[i])))
                throw new ArithmeticException(
                    $"{who} must be positive definite, but gives a vector of trajectory {i} the squared length {values[i]:g6}.");
        return values;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The L-BFGS preconditioner (Morales and Nocedal 2000, SIAM J. Optim. 10, 1079-1096): the inverse Hessian that curvature pairs (s, y = A
/// s) update from the identity, by the two-loop recursion (Nocedal 1980). With all directions of a solve and an unchanged A it is the
/// limited-memory preconditioner on their span.
/// </summary>
public sealed class QuasiNewtonPreconditioner : IPreconditioner
{
    private readonly Tensor[] directions, products, inverseCurvatures; // [batch, m], [batch, m], [batch, 1] for each pair

    /// <summary>Makes a preconditioner.</summary>
    /// <param name="pairs">Curvature pairs, the oldest first; they must live as long as the preconditioner.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    /// <exception cref="ArithmeticException">A curvature s^T y is not above zero.</exception>
    public QuasiNewtonPreconditioner(ConjugateDirections pairs)
    {
        Require.Shape(pairs.Directions, "The directions of a preconditioner", ColumnDefinition.AnySize, ColumnDefinition.AnySize,
            ColumnDefinition.AnySize);
        Require.Shape(pairs.Products, "The Hessian's products with the directions of a preconditioner", pairs.Directions.Sizes());
        Require.Shape(pairs.Known, "The mask of known directions", pairs.Directions.Sizes()[..2]);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var curvatures = (pairs.Directions * pairs.Products).sum(-1).masked_fill(pairs.Known.logical_not(), double.PositiveInfinity);
        if (curvatures.numel() > 0 && curvatures.min().ToDouble() is var smallest && !(smallest > 0))
            throw new ArithmeticException(
                $"Every curvature s^T A s of a preconditioner must be above zero; the smallest is {smallest:g6}.");
        int count = (int)pairs.Directions.size(1);
        directions = [.. Enumerable.Range(0, count).Select(j => pairs.Directions.select(1, j).MoveToOuterDisposeScope())];
        products = [.. Enumerable.Range(0, count).Select(j => pairs.Products.select(1, j).MoveToOuterDisposeScope())];
        inverseCurvatures = [.. Enumerable.Range(0, count).Select(j => curvatures.narrow(1, j, 1).reciprocal().MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    public string Name => "quasi-Newton";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        var lengths = new Tensor[directions.Length];
        var v = vector.Values.alias();
        for (int j = directions.Length - 1; j >= 0; j--)
        {
            lengths[j] = inverseCurvatures[j] * (directions[j] * v).sum([-1], keepdim: true);
            v = v - lengths[j] * products[j];
        }
        for (int j = 0; j < directions.Length; j++)
            v = v + (lengths[j] - inverseCurvatures[j] * (products[j] * v).sum([-1], keepdim: true)) * directions[j];
        return new(v.MoveToOuterDisposeScope());
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The limited-memory preconditioner (Tshimanga et al. 2008; Gratton, Sartenaer and Tshimanga 2011, SIAM J. Optim. 21, 912-935): P = (I -
/// U E U^T A)(I - A U E U^T) + mu U E U^T with E = (U^T A U)^-1. It accepts any subspace and needs A on it; P A U = mu U whatever the
/// subspace. With eigenvectors it is the spectral preconditioner with alpha = -1 and beta = 1.
/// </summary>
public sealed class LimitedMemoryPreconditioner : ISplitPreconditioner
{
    private readonly Tensor vectors, products, inverse, moved, roots;

    /// <summary>Makes a preconditioner.</summary>
    /// <param name="subspace">U, linearly independent vectors as rows <c>[batch, k, m]</c>, zero where unknown.</param>
    /// <param name="products">A applied to each of them, <c>[batch, k, m]</c>.</param>
    /// <param name="mu">The value of the eigenvalues on the subspace, above zero (default: 1); null for the smallest of them.</param>
    /// <param name="known">The rows that are known, boolean <c>[batch, k]</c>; null = all.</param>
    /// <exception cref="ArgumentException">The shapes differ, there are more vectors than dimensions, or the vectors are linearly
    /// dependent.</exception>
    /// <exception cref="ArithmeticException">A is not positive definite on the subspace.</exception>
    public LimitedMemoryPreconditioner(Tensor subspace, Tensor products, double? mu = 1, Tensor? known = null)
    {
        if (mu is { } given) Require.Positive(given, nameof(mu));
        Require.Shape(subspace, "The subspace of a preconditioner", ColumnDefinition.AnySize, ColumnDefinition.AnySize,
            ColumnDefinition.AnySize);
        Require.Shape(products, "The Hessian's products with the subspace of a preconditioner", subspace.Sizes());
        if (subspace.size(1) > subspace.size(2))
            throw new ArgumentException($"A subspace of {subspace.size(2)} components has no {subspace.size(1)} " +
                "independent vectors; at most as many are possible.", nameof(subspace));
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        known ??= ones(subspace.Sizes()[..2], dtype: ScalarType.Bool, device: subspace.device);
        var orthonormal = RowProducts.Orthonormal(subspace, known);
        var (values, z, az) = RowProducts.RayleighRitz(orthonormal.matmul(subspace), orthonormal.matmul(products), known);
        // A place without a vector is sorted first and multiplies zeros.
        var target = mu is { } number ? full_like(values, number) : values.narrow(-1, values.size(-1) - 1, 1).expand_as(values);
        vectors = z.MoveToOuterDisposeScope();
        this.products = az.MoveToOuterDisposeScope();
        inverse = values.reciprocal().MoveToOuterDisposeScope();
        moved = (target / values).MoveToOuterDisposeScope();
        roots = (target / values).sqrt().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public string Name => "limited memory";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        var image = Project(ProjectTranspose(vector.Values)) + RowProducts.Along(vectors, moved, vector.Values);
        return new(image.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public ControlVector ApplyFactor(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new((Project(vector.Values) + RowProducts.Along(vectors, roots, vector.Values)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public ControlVector ApplyFactorTranspose(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new((ProjectTranspose(vector.Values) + RowProducts.Along(vectors, roots, vector.Values)).MoveToOuterDisposeScope());
    }

    /// <summary>Keeps its tensors beyond the scope they were made in.</summary>
    internal LimitedMemoryPreconditioner MoveToOuterDisposeScope()
    {
        foreach (var tensor in (Tensor[])[vectors, products, inverse, moved, roots]) tensor.MoveToOuterDisposeScope();
        return this;
    }

    // (I - U E U^T A) v
    private Tensor Project(Tensor vector) => vector - RowProducts.Combined(inverse * RowProducts.Coordinates(products, vector), vectors);

    // (I - A U E U^T) v
    private Tensor ProjectTranspose(Tensor vector) =>
        vector - RowProducts.Combined(inverse * RowProducts.Coordinates(vectors, vector), products);
}

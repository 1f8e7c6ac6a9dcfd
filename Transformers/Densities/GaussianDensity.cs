using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The normal density N(m, P) for a batch of trajectories.</summary>
public sealed class GaussianDensity : IDensity
{
    private readonly Tensor? covariance;
    private readonly Tensor? root;

    /// <summary>Makes a density of a mean and a covariance; the tensors remain the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="covariance">P, <c>[batch, n, n]</c>, symmetric and positive semidefinite.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public GaussianDensity(Tensor mean, Tensor covariance) : this(mean, covariance, null) =>
        Require.Shape(covariance, "The covariance of a Gaussian density", mean.size(0), mean.size(1), mean.size(1));

    private GaussianDensity(Tensor mean, Tensor? covariance, Tensor? root)
    {
        Mean = Require.Shape(mean, "The mean of a Gaussian density", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        (this.covariance, this.root) = (covariance, root);
    }

    /// <summary>Makes a density of a mean and a square root of the covariance; the tensors remain the caller's.</summary>
    /// <param name="mean">m, <c>[batch, n]</c></param>
    /// <param name="root">W with P = W^T W, <c>[batch, n, n]</c>.</param>
    /// <exception cref="ArgumentException">The shapes do not match.</exception>
    public static GaussianDensity OfRoot(Tensor mean, Tensor root) =>
        new(mean, null, Require.Shape(root, "The root of a Gaussian density's covariance", mean.size(0), mean.size(1), mean.size(1)));

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <summary>W with P = W^T W, if the density was made of it.</summary>
    internal Tensor? Root => root;

    /// <inheritdoc/>
    public Tensor Covariance => covariance ?? root!.mT.matmul(root!);

    /// <inheritdoc/>
    public Tensor StandardDeviation
    {
        get
        {
            using var scope = NewDisposeScope();
            return (covariance is null ? root!.square().sum([-2]) : covariance.diagonal(0, -2, -1).clamp_min(0)).sqrt()
                .MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The covariance is singular.</exception>
    public Tensor LogDensity(Tensor state)
    {
        using var scope = NewDisposeScope();
        return new TriangularGaussianDensity(Mean, Triangle()).LogDensity(state).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The covariance has a negative eigenvalue beyond round-off.</exception>
    public Tensor Sample(long count, RandomStream random)
    {
        using var scope = NewDisposeScope();
        return new TriangularGaussianDensity(Mean, (root ?? CovarianceRoot.Of(covariance!)).mT).Sample(count, random)
            .MoveToOuterDisposeScope();
    }

    // L with P = L L^T
    private Tensor Triangle()
    {
        if (covariance is not null)
        {
            var (factor, info) = linalg.cholesky_ex(covariance);
            return info.count_nonzero().ToInt64() == 0 ? factor : throw Singular();
        }
        var (_, upper) = linalg.qr(root!, linalg.QRMode.R);
        var diagonal = upper.diagonal(0, -2, -1);
        // A pivot within round-off of zero: its component follows from the components before it.
        var smallest = root!.square().sum([-2]).sqrt() * (root.size(-1) * (root.dtype == ScalarType.Float64 ? 2.3e-16 : 1.2e-7));
        if ((diagonal.abs() <= smallest).any().ToBoolean()) throw Singular();
        return (upper * diagonal.sign().unsqueeze(-1)).mT;
    }

    private static NotSupportedException Singular() =>
        new("The covariance is not positive definite, so the distribution has no density: it lies on a lower-dimensional plane.");
}

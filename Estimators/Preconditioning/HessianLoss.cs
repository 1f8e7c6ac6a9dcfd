using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>What a learned Hessian is charged, by probes z ~ N(0, I).</summary>
public enum HessianLoss
{
    /// <summary>The squared Frobenius norm of A_theta - A (Trappler and Vidard, eq. 2.10).</summary>
    Frobenius,

    /// <summary>The same as a share of that of A (eq. 2.11).</summary>
    RelativeFrobenius,

    /// <summary>
    /// What conjugate gradients feel: the squared Frobenius norm of P^(1/2) (A_theta - A) P^(1/2), with the fixed P = A_0^-1 of the fixed eigenpairs, as a share of what these leave, that of
    /// P^(1/2) (A_0 - A) P^(1/2). Errors count by how far they move eigenvalues of the preconditioned matrix from one, where the Frobenius norm only sees the largest. At 1 the network
    /// is as good as the fixed pairs.
    /// </summary>
    Whitened,
}

/// <summary>Probes of a window's Hessian, and what an approximation of it is charged for them.</summary>
/// <param name="kind">Which loss.</param>
/// <param name="fixedPairs">A_0, for the whitened loss.</param>
internal sealed class HessianProbes(HessianLoss kind, FixedEigenpairs? fixedPairs)
{
    /// <summary>z, what A makes of it, and what the loss is divided by.</summary>
    /// <param name="Inputs"><c>[batch, channels, grid...]</c></param>
    /// <param name="Vectors"><c>[batch, k, m]</c></param>
    /// <param name="Products"><c>[batch, k, m]</c></param>
    /// <param name="Scale"><c>[batch]</c></param>
    public sealed record Batch(Tensor Inputs, Tensor Vectors, Tensor Products, Tensor Scale);

    /// <summary>Draws probes, and applies the Hessian at a window's background to them in one block.</summary>
    public Batch Draw(FourDimensionalVariationalCost cost, AssimilationWindow window, HessianInputs inputs, int probes, ScalarType precision, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var control = cost.Background(window);
        var run = cost.Run(window, control);
        using var quadratic = cost.Linearise(run, control, zeros([window.Batch], dtype: control.Values.dtype, device: control.Values.device));
        var z = random.Normal([window.Batch, probes, control.Values.size(1)], control.Values.dtype);
        if (kind == HessianLoss.Whitened) z = Root(z);
        var products = quadratic.HessianProducts(z);
        var scale = kind switch
        {
            HessianLoss.Frobenius => full([window.Batch], (double)probes, dtype: z.dtype, device: z.device),
            HessianLoss.RelativeFrobenius => products.square().sum([1, 2]),
            _ => Root(products - Fixed(z)).square().sum([1, 2]),
        };
        return new(inputs.Of(run, precision).MoveToOuterDisposeScope(), z.to_type(precision).MoveToOuterDisposeScope(), products.to_type(precision).MoveToOuterDisposeScope(),
            scale.to_type(precision).MoveToOuterDisposeScope());
    }

    /// <summary>The mean loss of a network over a batch.</summary>
    public Tensor Loss(HessianNetwork network, Batch batch)
    {
        var error = Require.Shape(network.call(batch.Inputs, batch.Vectors), $"The products of {network.GetName()}", batch.Vectors.Sizes()) - batch.Products;
        if (kind == HessianLoss.Whitened) error = Root(error);
        return (error.square().sum([1, 2]) / batch.Scale).mean();
    }

    // A_0^(-1/2) z with A_0 = I + U_0 (Lambda_0 - I) U_0^T
    private Tensor Root(Tensor z) => Along(z, fixedPairs!.Values.rsqrt() - 1);

    // A_0 z
    private Tensor Fixed(Tensor z) => Along(z, fixedPairs!.Values - 1);

    private Tensor Along(Tensor z, Tensor sizes)
    {
        var u = fixedPairs!.Vectors.to(z.dtype, z.device)[0];
        return z + (z.matmul(u.mT) * sizes.to(z.dtype, z.device)).matmul(u);
    }
}

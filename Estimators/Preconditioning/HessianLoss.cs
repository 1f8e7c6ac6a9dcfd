using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The loss of a learned Hessian, estimated by probes z ~ N(0, I).</summary>
public enum HessianLoss
{
    /// <summary>The squared Frobenius norm of A_theta - A (Trappler and Vidard, eq. 2.10).</summary>
    Frobenius,

    /// <summary>The same as a fraction of that of A (eq. 2.11).</summary>
    RelativeFrobenius,

    /// <summary>
    /// The squared norm of P^(1/2) (A_theta - A) P^(1/2) z with P = A_0^-1 of the fixed eigenpairs and z in the span of their vectors, as
    /// a fraction of the remainder of the fixed pairs: it is one if the network is as good. To first order in the error of a factor W of
    /// A, it weighs all columns of W equally, by how far they leave the span. This must become small for P to be accurate: an eigenvalue
    /// lambda whose vector is off by an angle a leaves lambda a^2 in addition to the ones.
    /// </summary>
    Whitened,

    /// <summary>
    /// The measure that matters to conjugate gradients: the spread of the spectrum of P^(1/2) A P^(1/2) with P = A_theta^-1, the mean
    /// over its eigenvalues mu of (mu - 1 - log mu) / 2. It is the divergence of Kullback and Leibler from N(0, P) to N(0, A^-1) for each
    /// component, (tr(P A) + log det A_theta - log det A - m) / (2 m), whose trace is estimated by probes and whose log det A does not
    /// depend on the weights. The value for the fixed eigenpairs is subtracted: below zero the network is the better preconditioner. The
    /// Frobenius norms depend almost only on the largest eigenvalues.
    /// </summary>
    Divergence,
}

/// <summary>Probes of a window's Hessian, and the loss of an approximation for them.</summary>
/// <param name="kind">The kind of loss.</param>
/// <param name="fixedPairs">The pairs of A_0, for the whitened loss and the divergence.</param>
internal sealed class HessianProbes(HessianLoss kind, FixedEigenpairs? fixedPairs)
{
    /// <summary>Probes z and their products with A.</summary>
    /// <param name="Inputs"><c>[batch, channels, grid...]</c></param>
    /// <param name="Vectors">z; for the divergence A_0^(1/2) z, <c>[batch, k, m]</c>.</param>
    /// <param name="Products">A z; for the divergence A A_0^(-1/2) z, <c>[batch, k, m]</c>.</param>
    /// <param name="Scale">The divisor of the squared error; for the divergence the value subtracted, <c>[batch]</c>.</param>
    public sealed record Batch(Tensor Inputs, Tensor Vectors, Tensor Products, Tensor Scale);

    /// <summary>Draws probes, and applies the Hessian at a window's background to them in one block.</summary>
    public Batch Draw(FourDimensionalVariationalCost cost, AssimilationWindow window, HessianInputs inputs, int probes,
        ScalarType precision, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (run, system) = cost.AtBackground(window);
        using var quadratic = system;
        var like = quadratic.RightSide.Values;
        var z = random.Normal([window.Batch, probes, like.size(1)], like.dtype);
        if (kind == HessianLoss.Whitened) z = Power(Spanned(z), -0.5);
        Tensor vectors = z, products, scale;
        if (kind == HessianLoss.Divergence)
        {
            // tr(P A) = E (A_0^(1/2) z)^T P (A A_0^(-1/2) z), whose variance is small if P is close to A_0^-1.
            products = quadratic.HessianProducts(Power(z, -0.5));
            vectors = Power(z, 0.5);
            scale = (vectors * Power(products, -1)).sum([1, 2]) / probes + fixedPairs!.Values.to(z.dtype, z.device).log().sum();
        }
        else
        {
            products = quadratic.HessianProducts(z);
            scale = kind switch
            {
                HessianLoss.Frobenius => full([window.Batch], (double)probes, dtype: z.dtype, device: z.device),
                HessianLoss.RelativeFrobenius => products.square().sum([1, 2]),
                _ => Power(Power(z, 1) - products, -0.5).square().sum([1, 2]),
            };
        }
        Tensor Kept(Tensor tensor) => tensor.to_type(precision).MoveToOuterDisposeScope();
        return new(inputs.Of(run, precision).MoveToOuterDisposeScope(), Kept(vectors), Kept(products), Kept(scale));
    }

    /// <summary>The mean loss of a network over a batch.</summary>
    public Tensor Loss(HessianNetwork network, Batch batch)
    {
        if (kind != HessianLoss.Divergence)
        {
            var error = Require.Shape(network.call(batch.Inputs, batch.Vectors), $"The products of {network.GetName()}",
                batch.Vectors.Sizes()) - batch.Products;
            if (kind == HessianLoss.Whitened) error = Power(error, -0.5);
            return (error.square().sum([1, 2]) / batch.Scale).mean();
        }
        var (solved, logarithm) = network.Invert(batch.Inputs, batch.Products);
        var trace = (batch.Vectors * Require.Shape(solved, $"The solutions of {network.GetName()}", batch.Vectors.Sizes()))
            .sum([1, 2]) / batch.Vectors.size(1);
        return ((trace + logarithm - batch.Scale) / (2 * batch.Vectors.size(2))).mean();
    }

    // U_0 U_0^T z
    private Tensor Spanned(Tensor z)
    {
        var u = fixedPairs!.Vectors.to(z.dtype, z.device)[0];
        return z.matmul(u.mT).matmul(u);
    }

    // A_0^p z with A_0 = I + U_0 (Lambda_0 - I) U_0^T
    private Tensor Power(Tensor z, double power)
    {
        var u = fixedPairs!.Vectors.to(z.dtype, z.device)[0];
        return z + (z.matmul(u.mT) * (fixedPairs.Values.to(z.dtype, z.device).pow(power) - 1)).matmul(u);
    }
}

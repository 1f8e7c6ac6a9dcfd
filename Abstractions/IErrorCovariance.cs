using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A symmetric positive definite covariance R = L L^T of an error of dimension p, in the form that fits it (scalar,
/// diagonal, full). Vectors are <c>[batch, ..., p]</c>. A mask is boolean <c>[batch, p]</c>, true where a component
/// exists: components that do not exist have infinite variance, so they come out as zero of both inverses.
/// </summary>
public interface IErrorCovariance
{
    /// <summary>The dimension p.</summary>
    long Dimension { get; }

    /// <summary>R as a matrix <c>[p, p]</c>.</summary>
    Tensor ToMatrix(ScalarType dtype, Device device);

    /// <summary>R^-1 v; with a mask, (M R M^T)^-1 on the components that exist and zero elsewhere.</summary>
    Tensor ApplyInverse(Tensor vector, Tensor? mask = null);

    /// <summary>L^-1 v, so that the squared length of the result is v^T R^-1 v; masked likewise.</summary>
    Tensor Whiten(Tensor vector, Tensor? mask = null);

    /// <summary>L v: gives white noise the covariance R.</summary>
    Tensor Colour(Tensor white);

    /// <summary>L^T v, the transpose of <see cref="Colour"/>, so that R v = L (L^T v).</summary>
    Tensor ColourAdjoint(Tensor vector);

    /// <summary>ln det R.</summary>
    double LogDeterminant { get; }
}

/// <summary>Convenience over error covariances.</summary>
public static class ErrorCovarianceExtensions
{
    /// <summary>Draws errors <c>[leading..., p]</c>.</summary>
    public static Tensor Sample(this IErrorCovariance covariance, long[] leading, RandomStream random, ScalarType dtype)
    {
        var white = random.Normal([.. leading, covariance.Dimension], dtype);
        var errors = covariance.Colour(white);
        if (!ReferenceEquals(errors, white)) white.Dispose();
        return errors;
    }
}

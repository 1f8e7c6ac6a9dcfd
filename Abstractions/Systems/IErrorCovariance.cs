using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A symmetric positive semidefinite covariance R = L L^T of an error of dimension p, in the form that suits it (scalar, diagonal, full).
/// Vectors are <c>[batch, ..., p]</c>. A mask is boolean <c>[batch, p]</c>, true where a component exists: components that do not exist
/// have infinite variance, so both inverses make them zero.
/// </summary>
/// <remarks>
/// The matrix, the root and draws are always available. The two inverses need a positive definite R, see <see cref="Singularity"/>.
/// </remarks>
public interface IErrorCovariance
{
    /// <summary>The dimension p.</summary>
    long Dimension { get; }

    /// <summary>The reason why R has no inverse, with a component that shows it (default: null, R is positive definite).</summary>
    string? Singularity => null;

    /// <summary>R as a matrix <c>[p, p]</c>.</summary>
    Tensor ToMatrix(ScalarType dtype, Device device);

    /// <summary>R^-1 v; with a mask, (M R M^T)^-1 on the components that exist and zero elsewhere.</summary>
    /// <exception cref="NotSupportedException">R is singular.</exception>
    Tensor ApplyInverse(Tensor vector, Tensor? mask = null);

    /// <summary>L^-1 v, so that the squared length of the result is v^T R^-1 v; masked likewise.</summary>
    /// <exception cref="NotSupportedException">R is singular.</exception>
    Tensor Whiten(Tensor vector, Tensor? mask = null);

    /// <summary>L v, which gives white noise the covariance R.</summary>
    Tensor Colour(Tensor white);

    /// <summary>L^T v, the transpose of <see cref="Colour"/>, so that R v = L (L^T v).</summary>
    Tensor ColourAdjoint(Tensor vector);

    /// <summary>ln det R; minus infinity where R is singular.</summary>
    double LogDeterminant { get; }
}

/// <summary>Extensions of error covariances.</summary>
public static class ErrorCovarianceExtensions
{
    /// <summary>Returns the covariance for a step that needs its inverse.</summary>
    /// <param name="covariance">R</param>
    /// <param name="role">The name of the covariance with its symbol, which begins the message.</param>
    /// <param name="step">The step that needs the inverse, and what it uses it for.</param>
    /// <param name="remedy">What the user can do.</param>
    /// <exception cref="ArgumentException">R is singular; the message names a component.</exception>
    public static IErrorCovariance Invertible(this IErrorCovariance covariance, string role, string step, string remedy) =>
        covariance.Singularity is not { } why ? covariance
            : throw new ArgumentException($"{role} must be positive definite, since {step}; it is singular: {why} {remedy}");

    /// <summary>W = L^T with R = W^T W, <c>[p, p]</c>: the rows L e_i.</summary>
    public static Tensor Root(this IErrorCovariance covariance, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        return covariance.Colour(eye(covariance.Dimension, dtype: dtype, device: device)).MoveToOuterDisposeScope();
    }

    /// <summary>Draws errors <c>[leading..., p]</c>.</summary>
    public static Tensor Sample(this IErrorCovariance covariance, long[] leading, RandomStream random, ScalarType dtype)
    {
        var white = random.Normal([.. leading, covariance.Dimension], dtype);
        var errors = covariance.Colour(white);
        if (!ReferenceEquals(errors, white)) white.Dispose();
        return errors;
    }
}

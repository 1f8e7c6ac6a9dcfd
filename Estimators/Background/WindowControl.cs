using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The part of a lagged state that 4D-Var varies. The state is z = (c_t, c_(t-1), ...), the newest first: either the whole window, or the
/// initial condition c_t alone, with the earlier lags taken as known. The part that is not varied has variance zero in B.
/// </summary>
public sealed record WindowControl
{
    private readonly long? components;

    private WindowControl(long? components) => this.components = components;

    /// <summary>All of the state.</summary>
    public static WindowControl WholeWindow { get; } = new(components: null);

    /// <summary>The newest coefficients alone.</summary>
    /// <param name="components">r, the number of the newest coefficients, which are the first components of the state.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below one.</exception>
    public static WindowControl InitialCondition(long components) => new(Require.AtLeast(components, 1));

    /// <summary>Sets the variance of the fixed part of the state to zero; the covariance of the varied part remains unchanged.</summary>
    /// <param name="covariance">B of the whole state.</param>
    /// <exception cref="ArgumentException">There are more components to vary than the state has.</exception>
    public IErrorCovariance Restrict(IErrorCovariance covariance)
    {
        if (components is not { } varied || varied == covariance.Dimension) return covariance;
        if (varied > covariance.Dimension)
            throw new ArgumentException(
                $"The initial condition was declared with {varied} components; the state has {covariance.Dimension}.", nameof(covariance));
        using var scope = NewDisposeScope();
        var block = covariance.ToMatrix(ScalarType.Float64, CPU).narrow(0, 0, varied).narrow(1, 0, varied);
        return ErrorCovariance.Blocks(ErrorCovariance.Full(block), ErrorCovariance.Scalar(covariance.Dimension - varied, 0));
    }
}

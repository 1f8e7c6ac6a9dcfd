using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Square roots of the covariances of densities, P = W^T W. P itself is not formed for densities that have a root.</summary>
internal static class DensityRoot
{
    /// <summary>
    /// W, <c>[batch, rows, n]</c>: an ensemble's anomalies over sqrt(N - 1), a Kalman filter's root, or else a root of the covariance.
    /// </summary>
    /// <param name="density">The density.</param>
    /// <exception cref="ArgumentException">The covariance has a negative eigenvalue beyond round-off.</exception>
    public static Tensor Of(IDensity density)
    {
        if (density is GaussianDensity { Root: { } root }) return root.alias();
        using var scope = NewDisposeScope();
        if (density is not EnsembleDensity ensemble) return CovarianceRoot.Of(density.Covariance).MoveToOuterDisposeScope();
        var (_, anomalies) = EnsembleStatistics.Split(ensemble.Members);
        return (anomalies / Math.Sqrt(anomalies.size(1) - 1)).MoveToOuterDisposeScope();
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Square roots of the covariances of densities, P = W^T W, without forming P where a density is made of them.</summary>
internal static class DensityRoot
{
    /// <summary>
    /// W, <c>[batch, rows, n]</c>: an ensemble's anomalies over sqrt(N - 1), a Kalman filter's root, any other's of its covariance.
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

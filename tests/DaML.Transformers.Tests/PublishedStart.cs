using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Where published twin experiments start their truth and their members.</summary>
internal static class PublishedStart
{
    /// <summary>Lorenz-96 with 40 sites as in DAPPER: at rest but for one site, with a variance of 0.001.</summary>
    public static GaussianInitialCondition Lorenz96()
    {
        using var scope = NewDisposeScope();
        var mean = zeros(40, dtype: ScalarType.Float64);
        mean[0] = 1;
        return new GaussianInitialCondition(mean, ErrorCovariance.Scalar(40, 0.001));
    }
}

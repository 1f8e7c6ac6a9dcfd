using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Mean and covariance of the true states of a view, over cycles and trajectories, the start of methods that learn from a long run.
/// </summary>
/// <param name="Mean">The mean, <c>[n]</c>, in double precision.</param>
/// <param name="Covariance">The sample covariance, <c>[n, n]</c>, in double precision.</param>
public sealed record StateClimatology(Tensor Mean, Tensor Covariance)
{
    /// <summary>Computes mean and covariance over the first cycles of a view. The tensors belong to the caller's dispose scope.</summary>
    /// <param name="data">A view with the truth.</param>
    /// <param name="cycles">The largest number of cycles to read.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="ArgumentException">There are no more states than components, or a state is non-finite.</exception>
    public static StateClimatology Measure(ITrajectoryView data, long cycles, CancellationToken cancellation = default)
    {
        long n = data.Schema[Columns.Truth].Shape[0];
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var cursor = data.OpenCursor();
        var read = new List<Tensor>();
        for (long k = 0; k < cycles && cursor.MoveNext(); k++)
        {
            cancellation.ThrowIfCancellationRequested();
            read.Add(Require.Finite(cursor[Columns.Truth], $"The truth of cycle {cursor.Cycle}").to(ScalarType.Float64, copy: true));
        }
        if (read.Count * data.Schema.Batch <= n)
            throw new ArgumentException(
                $"A climatological covariance of dimension {n} needs more than {n} states; the data has {read.Count * data.Schema.Batch}.");
        var states = cat(read, 0);
        var mean = states.mean([0]);
        // Components that never vary have no variance, round-off of the mean included.
        var varies = (states != states[0]).any(0);
        var anomalies = (states - mean).where(varies, 0);
        var covariance = anomalies.transpose(0, 1).matmul(anomalies) / (states.size(0) - 1);
        scope.MoveToOuter(mean, covariance);
        return new(mean, covariance);
    }

    /// <summary>The normal distribution of this mean and covariance, with its own tensors.</summary>
    /// <remarks>Components that never vary, such as land points, have variance zero.</remarks>
    public GaussianInitialCondition ToDistribution() => new(Mean, ErrorCovariance.Full(Covariance));
}

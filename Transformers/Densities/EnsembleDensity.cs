using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The density of an ensemble: its sample mean and sample covariance (divisor members - 1), and the normal density with these two if
/// there are enough members for a covariance of full rank.
/// </summary>
public sealed class EnsembleDensity : IDensity
{
    private readonly Tensor members;

    /// <summary>Makes a density of an ensemble; the tensor remains the caller's.</summary>
    /// <param name="members"><c>[batch, members, n]</c>, at least two members.</param>
    /// <exception cref="ArgumentException">The shape is wrong, or the ensemble has one member.</exception>
    public EnsembleDensity(Tensor members) => this.members = EnsembleStatistics.Check(members);

    /// <summary>The ensemble, <c>[batch, members, n]</c>.</summary>
    public Tensor Members => members;

    /// <inheritdoc/>
    public Tensor Mean => EnsembleStatistics.Mean(members);

    /// <inheritdoc/>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            var (_, anomalies) = EnsembleStatistics.Split(members);
            return (anomalies.mT.matmul(anomalies) / (members.size(1) - 1)).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor StandardDeviation => EnsembleStatistics.StandardDeviation(members);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The ensemble has no more members than the state has components, so the sample covariance
    /// is singular.</exception>
    public Tensor LogDensity(Tensor state)
    {
        if (members.size(1) <= members.size(2))
            throw new NotSupportedException(
                $"An ensemble of {members.size(1)} members in {members.size(2)} dimensions has no density: its covariance has rank " +
                    $"{members.size(1) - 1} at most. More members than dimensions are needed.");
        using var scope = NewDisposeScope();
        return new GaussianDensity(Mean, Covariance).LogDensity(state).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>Draws from the normal distribution of the ensemble's mean and covariance, even if it has no density: mean + X^T z /
    /// sqrt(members - 1).</remarks>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var (mean, anomalies) = EnsembleStatistics.Split(members);
        var white = random.Normal([members.size(0), count, members.size(1)], members.dtype);
        return (mean.unsqueeze(1) + white.matmul(anomalies) / Math.Sqrt(members.size(1) - 1)).MoveToOuterDisposeScope();
    }
}

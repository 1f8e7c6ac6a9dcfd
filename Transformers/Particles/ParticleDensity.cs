using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The density of weighted particles: their weighted mean and covariance (divisor 1 - sum of the squared weights, which makes it unbiased
/// for independent particles), and the normal density with these two if the covariance has full rank.
/// </summary>
public sealed class ParticleDensity : IDensity
{
    private readonly Tensor members, logWeights;

    /// <summary>Makes a density; the tensors remain the caller's.</summary>
    /// <param name="members"><c>[batch, members, n]</c>, at least two members.</param>
    /// <param name="logWeights">The logarithms of weights that sum to one, <c>[batch, members]</c>.</param>
    /// <exception cref="ArgumentException">The shape is wrong, or there is only one member.</exception>
    public ParticleDensity(Tensor members, Tensor logWeights)
    {
        this.members = EnsembleStatistics.Check(members);
        this.logWeights = Require.Shape(logWeights, "The weights of particles", members.size(0), members.size(1));
    }

    /// <summary>The particles, <c>[batch, members, n]</c>.</summary>
    public Tensor Members => members;

    /// <summary>The logarithms of their weights, which sum to one, <c>[batch, members]</c>.</summary>
    public Tensor LogWeights => logWeights;

    /// <summary>The effective size: the number of particles of equal weight with the same information, 1 / sum of the squared weights,
    /// <c>[batch]</c>.</summary>
    public Tensor EffectiveSize => EffectiveSizeOf(logWeights);

    /// <inheritdoc/>
    public Tensor Mean
    {
        get
        {
            using var scope = NewDisposeScope();
            return logWeights.exp().unsqueeze(1).matmul(members).squeeze(1).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            var (weights, anomalies) = Anomalies();
            return (anomalies * weights).mT.matmul(anomalies).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor StandardDeviation
    {
        get
        {
            using var scope = NewDisposeScope();
            var (weights, anomalies) = Anomalies();
            return (anomalies.square() * weights).sum(1).sqrt().MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The covariance is singular: too few particles have weight.</exception>
    public Tensor LogDensity(Tensor state)
    {
        using var scope = NewDisposeScope();
        return new GaussianDensity(Mean, Covariance).LogDensity(state).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>Draws particles by their weights.</remarks>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var places = random.Uniform([members.size(0), count], ScalarType.Float64);
        var shares = logWeights.to(ScalarType.Float64).exp().cumsum(1).contiguous();
        var indices = searchsorted(shares, places, right: true).clamp_max(members.size(1) - 1);
        return Select(members, indices).MoveToOuterDisposeScope();
    }

    internal static Tensor EffectiveSizeOf(Tensor logWeights) => (2 * logWeights).logsumexp(1).neg().exp();

    /// <summary>Gives the members of the indices <c>[batch, count]</c>.</summary>
    internal static Tensor Select(Tensor members, Tensor indices) =>
        members.gather(1, indices.unsqueeze(-1).expand(indices.size(0), indices.size(1), members.size(2)));

    // The weights with the divisor in them [batch, N, 1], and the deviations from the weighted mean. If one particle has all the weight,
    // there is no spread.
    private (Tensor Weights, Tensor Anomalies) Anomalies()
    {
        var weights = logWeights.exp();
        var divisor = 1 - weights.square().sum([1], keepdim: true);
        return ((weights / divisor.clamp_min(1e-10)).unsqueeze(-1), members - Mean.unsqueeze(1));
    }
}

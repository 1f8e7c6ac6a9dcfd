using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A mixture of densities, q(x) = sum_k w_k q_k(x), for a batch of trajectories. It may have several modes, and is differentiable if its
/// parts are.
/// </summary>
public sealed class MixtureDensity : IDensity
{
    private readonly IReadOnlyList<IDensity> parts;

    /// <summary>Makes a density; the tensors remain the caller's.</summary>
    /// <param name="logWeights">ln w, <c>[batch, k]</c>; the weights sum to one.</param>
    /// <param name="parts">q_1 .. q_k, over states of one dimension.</param>
    /// <exception cref="ArgumentException">The numbers of weights and parts do not match.</exception>
    public MixtureDensity(Tensor logWeights, IReadOnlyList<IDensity> parts)
    {
        if (parts.Count == 0) throw new ArgumentException("A mixture needs at least one part.", nameof(parts));
        LogWeights = Require.Shape(logWeights, "The log-weights of a mixture", parts[0].Mean.size(0), parts.Count);
        foreach (var part in parts) Require.Shape(part.Mean, "The mean of a mixture's part", parts[0].Mean.Sizes());
        this.parts = parts;
    }

    /// <summary>ln w, <c>[batch, k]</c></summary>
    public Tensor LogWeights { get; }

    /// <summary>q_1 .. q_k</summary>
    public IReadOnlyList<IDensity> Parts => parts;

    /// <inheritdoc/>
    public Tensor Mean
    {
        get
        {
            using var scope = NewDisposeScope();
            return Weighted(part => part.Mean).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    /// <remarks>sum_k w_k (P_k + (m_k - m) (m_k - m)^T)</remarks>
    public Tensor Covariance
    {
        get
        {
            using var scope = NewDisposeScope();
            var mean = Weighted(part => part.Mean);
            return Weighted(part =>
            {
                var away = (part.Mean - mean).unsqueeze(-1);
                return part.Covariance + away.matmul(away.mT);
            }).MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor StandardDeviation
    {
        get
        {
            using var scope = NewDisposeScope();
            var mean = Weighted(part => part.Mean);
            return Weighted(part => part.StandardDeviation.square() + (part.Mean - mean).square()).sqrt().MoveToOuterDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor LogDensity(Tensor state)
    {
        using var scope = NewDisposeScope();
        return (LogWeights + stack(parts.Select(part => part.LogDensity(state)), 1)).logsumexp(1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Sample(long count, RandomStream random)
    {
        Require.AtLeast(count, 1);
        using var scope = NewDisposeScope();
        var steps = LogWeights.exp().cumsum(1).unsqueeze(1);                                                    // [batch, 1, k]
        var place = random.Uniform([LogWeights.size(0), count, 1], LogWeights.dtype);
        var choice = (place >= steps).sum(-1, keepdim: true).clamp_max(parts.Count - 1);                        // [batch, count, 1]
        var draws = stack(parts.Select(part => part.Sample(count, random)), -1);                                // [batch, count, n, k]
        return draws.gather(-1, choice.unsqueeze(-1).expand([.. draws.Sizes()[..3], 1])).squeeze(-1).MoveToOuterDisposeScope();
    }

    // sum_k w_k f_k
    private Tensor Weighted(Func<IDensity, Tensor> of)
    {
        var weights = LogWeights.exp();
        Tensor? sum = null;
        for (int k = 0; k < parts.Count; k++)
        {
            var value = of(parts[k]);
            var weighted = weights[.., k].view([-1, .. Enumerable.Repeat(1L, (int)value.ndim - 1)]) * value;
            sum = sum is null ? weighted : sum + weighted;
        }
        return sum!;
    }
}
